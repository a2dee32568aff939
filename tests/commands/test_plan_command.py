"""frostline plan: what will learn when, before a weight is loaded; written down, it trains the same."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from command_line import Command, Said, in_process
from frostline.models.encoders.loading import locate
from parts import choices, config
from record import assert_full

frostline = in_process
FEW = [f"dataset.{size}" for size in ("max_train=48", "max_val=32", "max_test=32", "max_length=16", "batch_size=16")]


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    """A copy of bert_tiny's folder, to be hurt."""
    known = config("encoder", "bert_tiny")
    return Path(shutil.copytree(locate(known["name"], known["pin"]), tmp_path / "bert"))


def table(said: Said) -> str:
    assert said.status == 0, said.err
    return said.out


def test_a_plan_is_told_phase_by_phase_and_block_by_block(frostline: Command) -> None:
    lines = [
        line.split() for line in table(frostline("plan", "freezing=lp_ft", "freezing.probe_epochs=2")).splitlines()
    ]
    assert lines[0] == ["phase", "epochs", "emb", "0", "1", "head", "learn", "frost", "line"]
    assert lines[1][:2] + lines[1][-4:] == ["probe", "1-2", "387", "4", "of", "5"]
    assert lines[2][:2] + lines[2][-4:] == ["tune", "3-13", "4,369,795", "0", "of", "5"]


def test_a_head_that_is_solved_is_told_as_the_run_tells_it(frostline: Command, tmp_path: Path) -> None:
    words = ["freezing=frozen", "head=logistic", *FEW, "logger=csv"]
    said = table(frostline("plan", *words))
    assert [line.split() for line in said.splitlines()[:2]] == [
        ["phase", "epochs", "emb", "0", "1", "head", "learn", "frost", "line"],
        ["probe", "-", "·", "·", "·", "solved", "0", "5", "of", "5"],
    ]
    ran = frostline(*words)
    assert ran.status == 0, ran.err
    assert (tmp_path / ran.out.splitlines()[-1].removeprefix("results: ") / "plan.txt").read_text() == said


@pytest.mark.parametrize("state", ["absent", "cut short"])
def test_weights_are_not_read(frostline: Command, bert: Path, state: str) -> None:
    """They may be missing, or broken: the run itself says so."""
    own = ["encoder=hub", "encoder.name=bert", "freezing=top_k"]
    before = table(frostline("plan", *own))
    [weights] = bert.glob("*.safetensors")
    weights.unlink()
    if state == "cut short":
        weights.write_bytes(b"no weights")
    assert table(frostline("plan", *own)) == before
    said = frostline(*own, "debug=one_batch")
    assert (said.status, said.problems()[0].split(":")[0]) == (2, "encoder.name")


def test_each_job_of_a_sweep_has_its_plan(frostline: Command) -> None:
    said = table(frostline("plan", "-m", "freezing=top_k", "freezing.k=1,2"))
    assert [line for line in said.splitlines() if "freezing.k" in line] == [
        "freezing=top_k freezing.k=1",
        "freezing=top_k freezing.k=2",
    ]
    assert said.count("parameters are trainable in at least one phase") == 2


def test_jobs_with_one_plan_are_told_it_once(frostline: Command) -> None:
    said = table(frostline("plan", "-m", "freezing=frozen", "seed=1,2", "optimizer.lr=1e-3,1e-2"))
    lines = [line for line in said.splitlines() if "seed=" in line]
    assert lines == said.splitlines()[:4]
    assert said.count("parameters are trainable in at least one phase") == 1


def told_to(said: Said) -> list[str]:
    """The command that --write says reads its file back."""
    return shlex.split(said.err.rpartition("read it back with: frostline ")[2])


KNOWN = [name for name in choices("freezing") if name not in ("rules", "direct", "schedule")]


@pytest.mark.parametrize("name", KNOWN)
def test_a_written_plan_is_the_same_plan(frostline: Command, name: str) -> None:
    said = frostline("plan", f"freezing={name}", "--write", "my plan.yaml")
    if said.status == 2:
        assert "when training decides" in said.err
    else:
        assert table(frostline("plan", *told_to(said))) == table(said)


@pytest.mark.parametrize("name", ["lp_ft", "top_k"])
def test_a_written_plan_trains_the_same(frostline: Command, name: str, tmp_path: Path) -> None:
    more = ["freezing.probe_epochs=1", "trainer.max_epochs=2"] if name == "lp_ft" else []
    words = [f"freezing={name}", *more, "head=mlp", "optimizer=sgd", *FEW, "logger=csv"]
    read_back = told_to(frostline("plan", *words, "--write", "plan.yaml"))
    results = []
    for line in (words, read_back):
        said = frostline(*line)
        assert said.status == 0, said.err
        results.append(assert_full(tmp_path / said.out.splitlines()[-1].removeprefix("results: ")))
    ours, written = results
    assert written["choices"]["freezing"] == "rules"
    assert learned(written) == learned(ours)
    assert written["metrics"] == ours["metrics"]


def learned(result: dict[str, Any]) -> list[tuple[list[int], str]]:
    """Each phase's epochs, and the digest of what it left."""
    return [(phase["epochs"], phase["weights"]) for phase in result["phases"]]


def test_an_edited_plan_is_another_run(frostline: Command) -> None:
    words = told_to(frostline("plan", "freezing=top_k", "--write", "plan.yaml"))
    before = frostline("check", *words).out
    file = Path("plan.yaml")
    file.write_text(file.read_text().replace("1.0", "0.5"))
    assert "0.5" in table(frostline("plan", *words))
    assert frostline("check", *words).out != before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--write", "there.yaml"], "--write: 'there.yaml' exists; name a new file"),
        (["--write"], "--write: has no value; give --write FILE"),
        (["--write", "no/folder/plan.yaml"], "--write: 'no/folder' is no folder; name a file in one that exists"),
        (
            ["-m", "freezing=frozen,full", "--write", "plan.yaml"],
            "--write: 2 jobs have 2 plans; write one at a time, without -m",
        ),
        (["optimizer.lr=-1"], "optimizer.lr: -1 is not above 0; give a number above 0"),
        (["freezing=top_k", "freezing.k=9"], "freezing.k: 9 blocks requested, the encoder has 2; give 1 to 2, or"),
    ],
)
def test_what_cannot_be_planned_or_written_is_told(frostline: Command, words: list[str], told: str) -> None:
    Path("there.yaml").touch()
    said = frostline("plan", *words)
    assert said.status == 2
    assert said.problems()[0].startswith(told)
    assert Path("there.yaml").read_text() == "" and not Path("plan.yaml").exists()


def test_its_help_says_what_it_shows(frostline: Command) -> None:
    for flag in ("-h", "--help"):
        said = frostline("plan", flag)
        assert said.status == 0
        assert said.out.startswith("usage: frostline plan [-m] [KEY=VALUE ...] [--write FILE]")
