"""A complete run folder is never changed, and an incomplete one belongs to one process at a time.

Tests frostline.training.run, frostline.training.record.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from command_line import Command, in_process
from killable_runs import attempt, complete
from runs import MORTAL, differences, place

frostline = in_process
RUN = ["logger=csv", "trainer=cpu", "debug=fast", "freezing=frozen"]
LONG = ["logger=csv", "trainer=cpu", "freezing=full", "trainer.max_epochs=1", "trainer.checkpoint_seconds=0"]
LONG += ["dataset.max_train=160", "dataset.max_val=24", "dataset.max_test=24", "dataset.batch_size=8"]

Snapshot = dict[str, tuple[int, bytes]]


def snapshot(folder: Path) -> Snapshot:
    """Return every file and folder below, with its date and its bytes."""
    below = [folder, *folder.rglob("*")]
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"") for p in below}


def the_run(study: Path = Path("runs/default")) -> Path:
    (folder,) = (path for path in study.iterdir() if not path.name.startswith("."))
    return folder


# Complete runs


def test_a_complete_run_asked_for_again_gives_its_stored_result_and_changes_nothing(frostline: Command) -> None:
    first = frostline(*RUN)
    before = snapshot(the_run())
    for again in (RUN, [*RUN, "seed=1"], [*RUN, "paths.runs=./runs"]):  # the same run in other words
        said = frostline(*again)
        assert (said.status, said.out) == (0, first.out)
        assert "complete since an earlier run" in said.err
        assert snapshot(the_run()) == before


def test_a_complete_job_of_a_sweep_is_not_done_again(frostline: Command) -> None:
    frostline(*RUN)
    done = the_run()
    before = snapshot(done)
    said = frostline("-m", *RUN, "seed=1,2")
    assert said.status == 0
    assert said.err.count("complete since an earlier run") == 1
    assert snapshot(done) == before
    assert len(list(Path("runs/default").glob("*/result.json"))) == 2


def test_a_rerun_and_an_explicit_empty_folder_train_again(frostline: Command) -> None:
    frostline(*RUN)
    done = the_run()
    before = snapshot(done)
    Path("mine").mkdir()
    for folder, how in {f"{done}-rerun1": "rerun=true", "mine": "hydra.run.dir=mine"}.items():
        said = frostline(*RUN, how)
        assert said.status == 0
        assert "epoch 1 of 1" in said.err
        assert differences(folder, str(done)) == []
    assert snapshot(done) == before


def test_a_complete_run_s_folder_is_never_written_over(frostline: Command) -> None:
    frostline(*RUN, "hydra.run.dir=mine")
    before = snapshot(Path("mine"))
    for how in ("seed=2", "rerun=true"):
        said = frostline(*RUN, "hydra.run.dir=mine", how)
        assert said.status == 2
        assert len(said.problems()) == 1
        assert snapshot(Path("mine")) == before


# Unfinished runs


def unfinished(words: list[str]) -> None:
    """Kill a run in the middle of its only epoch."""
    Path("moment").write_text("training_step 8")
    with attempt(*words) as one:
        assert one.wait() == -signal.SIGKILL, one.said
    Path("moment").unlink()


@pytest.fixture
def mortal() -> list[str]:
    Path("mortal.py").write_text(MORTAL)
    return [*LONG, "head._target_=mortal.Mortal", "hydra.run.dir=run"]


@pytest.mark.slow
def test_an_unfinished_run_whose_data_changed_is_refused(frostline: Command, mortal: list[str]) -> None:
    texts = [f"{word} film number {i},{word}" for i in range(100) for word in ("good", "bad")]
    data = Path("data.csv")
    data.write_text("\n".join(["text,label", *texts]))
    words = [*mortal, "dataset=table", "dataset.train=data.csv"]
    unfinished(words)
    step = place("run").resume_checkpoint.read_bytes()
    data.write_text("\n".join(["text,label", *texts[:-1], "terrible film,bad"]))
    said = frostline(*words)
    assert said.status == 2
    (problem,) = said.problems()
    assert problem.startswith("hydra.run.dir: 'data.csv' has changed since the run in '")
    assert "; choose another folder" in problem
    assert place("run").resume_checkpoint.read_bytes() == step
    data.write_text("\n".join(["text,label", *texts]))
    assert "going on from step 7" in complete(*words)
    assert not place("run").failure.exists()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        complete(*LONG, "hydra.run.dir=whole")
    return str(folder / "whole")


def test_a_second_process_is_refused_and_harms_nothing(frostline: Command, undisturbed: str) -> None:
    with attempt(*LONG, "hydra.run.dir=run") as one:
        one.until(place("run").resume_checkpoint.exists)
        os.kill(one.process.pid, signal.SIGSTOP)
        before = snapshot(Path("run/checkpoints"))
        said = frostline(*LONG, "hydra.run.dir=run")
        assert said.status == 2
        (problem,) = said.problems()
        assert problem.startswith("hydra.run.dir: another process works in '")
        assert snapshot(Path("run/checkpoints")) == before
        os.kill(one.process.pid, signal.SIGCONT)
        assert one.wait() == 0, one.said
    assert differences("run", undisturbed) == []


@pytest.mark.slow
def test_a_run_that_receives_sigterm_exits_with_its_status_and_resumes_later(undisturbed: str) -> None:
    """Schedulers and `timeout` send SIGTERM."""
    with attempt(*LONG, "hydra.run.dir=run") as one:
        one.until(place("run").resume_checkpoint.exists)
        os.kill(one.process.pid, signal.SIGTERM)
        assert one.wait() == 128 + signal.SIGTERM, one.said
    assert "SystemExit" in json.loads(place("run").failure.read_text())["what"]
    assert "going on from step" in complete(*LONG, "hydra.run.dir=run")
    assert differences("run", undisturbed) == []
