"""A rank that dies ends the run with its reason; nothing goes on without it, and the run can go on later."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from command_line import Command, in_process
from frostline.distributed.launcher import launch_ranks
from frostline.errors import RankError
from frostline.results.atomic_files import read_json
from killable_runs import Attempt, attempt, complete, soon
from runs import differences, place, reached

frostline = in_process
STEPS = 10  # an epoch
LIGHT = ["logger=csv", "trainer=ddp", "trainer.accelerator=cpu"]
RUN = [
    *LIGHT,
    "trainer.checkpoint_seconds=0",
    *("freezing=lp_ft", "freezing.probe_epochs=1", "trainer.max_epochs=2", "head.dropout=0.1"),
    *("dataset.max_train=153", "dataset.max_val=24", "dataset.max_test=24", "dataset.batch_size=16"),
]
BROKEN = """
import os
from torch import Tensor
from frostline.models.heads.linear import Linear
class Broken(Linear):
    def forward(self, vectors: Tensor) -> Tensor:
        if self.training and os.environ["FROSTLINE_RANK"] == "1":
            raise ArithmeticError("one and one is three")
        return super().forward(vectors)
class Drifting(Linear):
    def forward(self, vectors: Tensor) -> Tensor:
        if self.training and os.environ["FROSTLINE_RANK"] == "1":
            self.out.bias.data += 1e-7
        return super().forward(vectors)
"""


def ranks_of(run: Attempt) -> dict[int, int]:
    """Rank -> process of a run's ranks that are alive."""
    found = {}
    for child in Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children").read_text().split():
        environ = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        found |= {int(pair.split(b"=")[1]): int(child) for pair in environ if pair.startswith(b"FROSTLINE_RANK=")}
    return found


def is_gone(process: int) -> bool:
    """Ended, whether or not somebody has asked how."""
    file = Path(f"/proc/{process}/stat")
    return not file.exists() or file.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        complete(*RUN, "hydra.run.dir=whole", really=True)
    return str(folder / "whole")


@pytest.mark.slow
def test_a_rank_that_is_killed_ends_the_run_which_then_goes_on_to_the_same_weights(undisturbed: str) -> None:
    words, run = [*RUN, "hydra.run.dir=run"], place("run")
    with attempt(*words, really=True) as one:
        one.until(lambda: reached(run) >= STEPS // 2)
        ranks = ranks_of(one)
        assert sorted(ranks) == [0, 1]
        os.kill(ranks[1], signal.SIGKILL)
        assert one.wait() == 1
        assert all(map(is_gone, ranks.values()))
    told = "rank 1: was killed by SIGKILL; start the same command again, it continues from its last checkpoint"
    assert told in one.said
    assert "Traceback" not in one.said
    assert read_json(run.failure)["what"] == f"RankError: {told}"
    assert not run.result.exists()
    step = reached(run)
    assert f"going on from step {step}\n" in complete(*words, really=True)
    assert differences("run", undisturbed) == []


@pytest.mark.slow
@pytest.mark.parametrize("step", [STEPS // 2, STEPS + 2])
def test_ranks_end_when_the_command_is_killed_and_it_goes_on_to_the_same_weights(undisturbed: str, step: int) -> None:
    words, run = [*RUN, "hydra.run.dir=run"], place("run")
    with attempt(*words, really=True) as one:
        one.until(lambda: reached(run) >= step)
        ranks = ranks_of(one)
        one.kill()
    assert soon(lambda: all(map(is_gone, ranks.values())))
    assert not run.result.exists()
    complete(*words, really=True)
    assert differences("run", undisturbed) == []


def test_ranks_end_with_a_command_that_is_killed_as_they_start() -> None:
    with attempt(*RUN, really=True) as one:
        one.until(lambda: sorted(ranks_of(one)) == [0, 1])
        ranks = ranks_of(one)
        one.kill()
    assert soon(lambda: all(map(is_gone, ranks.values())))


def test_an_error_is_told_in_its_own_words(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Of a rank that ends at once: there is no config to read. Its peer is ended with its own reason half written."""
    (tmp_path / "..rank1.json.10638").write_text('{"wh')
    with pytest.raises(RankError, match=r"rank [01]: FileNotFoundError: .*config\.yaml") as caught:
        launch_ranks(tmp_path, 2)
    assert "read_text" in caught.value.where[-1] or "open" in caught.value.where[-1]
    assert capfd.readouterr().err.count("Traceback") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_error_in_one_rank_is_told_once(frostline: Command) -> None:
    Path("broken.py").write_text(BROKEN)
    said = frostline(*RUN, "head._target_=broken.Broken", "hydra.run.dir=run")
    assert said.status == 1
    assert said.err.endswith("ArithmeticError: one and one is three\nrank 1: ArithmeticError: one and one is three\n")
    assert said.err.count("Traceback") == 1
    failure = read_json(place("run").failure)
    assert failure["what"] == "RankError: rank 1: ArithmeticError: one and one is three"
    assert failure["where"][-1].endswith("forward")
    assert not place("run").result.exists()
    assert not list(Path("run").glob(".rank*"))


@pytest.mark.slow
def test_ranks_whose_weights_differ_end_the_run(frostline: Command) -> None:
    Path("broken.py").write_text(BROKEN)
    said = frostline(*RUN, "head._target_=broken.Drifting", "hydra.run.dir=run")
    assert said.status == 1
    assert "ranks: their weights differ after phase probe in head.out.bias (rank 0 " in said.err
    assert "Traceback" not in said.err


@pytest.mark.slow
def test_a_user_s_mistake_that_only_a_rank_can_see_is_told_in_the_grammar(frostline: Command) -> None:
    """The texts must be read to know that there are fewer than neighbours."""
    said = frostline(*LIGHT, "freezing=frozen", "head=knn", "head.k=9999", "hydra.run.dir=run")
    assert said.status == 2
    (problem,) = said.problems()
    assert problem.startswith("head.k: 9999 neighbours, but train has ")
    assert "Traceback" not in said.err
    assert read_json(place("run").failure)["keys"] == ["head.k"]
    assert not place("run").result.exists()
