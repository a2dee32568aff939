"""frostline plan: print what is trained when, before a weight is loaded; a written plan trains the same.

Tests frostline.commands.plan.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from command_line import Command, Said, in_process
from frostline.models.encoders.auto_model import locate_checkpoint
from parts import choices, config
from record import assert_full

frostline = in_process
FEW = [f"dataset.{size}" for size in ("max_train=48", "max_val=32", "max_test=32", "max_length=16", "batch_size=16")]


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    """A copy of bert_tiny's folder, to be hurt."""
    known = config("encoder", "bert_tiny")
    return Path(shutil.copytree(locate_checkpoint(known["name"], known["pin"]), tmp_path / "bert"))


def table(result: Said) -> str:
    assert result.status == 0, result.err
    return result.out


def test_a_plan_is_printed_phase_by_phase_and_block_by_block(frostline: Command) -> None:
    lines = [
        line.split() for line in table(frostline("plan", "freezing=lp_ft", "freezing.probe_epochs=2")).splitlines()
    ]
    assert lines[0] == ["phase", "epochs", "emb", "0", "1", "head", "trainable", "frost", "line"]
    assert lines[1][:2] + lines[1][-4:] == ["probe", "1-2", "387", "4", "of", "5"]
    assert lines[2][:2] + lines[2][-4:] == ["tune", "3-13", "4,369,795", "0", "of", "5"]


def test_a_fitted_head_is_printed_as_the_run_prints_it(frostline: Command, tmp_path: Path) -> None:
    words = ["freezing=frozen", "head=logistic", *FEW, "logger=csv"]
    result = table(frostline("plan", *words))
    assert [line.split() for line in result.splitlines()[:2]] == [
        ["phase", "epochs", "emb", "0", "1", "head", "trainable", "frost", "line"],
        ["probe", "-", "·", "·", "·", "fitted", "0", "5", "of", "5"],
    ]
    ran = frostline(*words)
    assert ran.status == 0, ran.err
    assert (tmp_path / ran.out.splitlines()[-1].removeprefix("results: ") / "plan.txt").read_text() == result


@pytest.mark.parametrize("state", ["absent", "cut short"])
def test_weights_are_not_read(frostline: Command, bert: Path, state: str) -> None:
    """They may be missing or damaged; only the run reports that."""
    overrides = ["encoder=hub", "encoder.name=bert", "freezing=top_k"]
    before = table(frostline("plan", *overrides))
    [weights] = bert.glob("*.safetensors")
    weights.unlink()
    if state == "cut short":
        weights.write_bytes(b"no weights")
    assert table(frostline("plan", *overrides)) == before
    result = frostline(*overrides, "debug=one_batch")
    assert (result.status, result.problems()[0].split(":")[0]) == (2, "encoder.name")


def test_each_job_of_a_sweep_has_its_plan(frostline: Command) -> None:
    result = table(frostline("plan", "-m", "freezing=top_k", "freezing.k=1,2"))
    assert [line for line in result.splitlines() if "freezing.k" in line] == [
        "freezing=top_k freezing.k=1",
        "freezing=top_k freezing.k=2",
    ]
    assert result.count("parameters are trainable in at least one phase") == 2


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (["seed=1,2"], "2 seeds for each arm: too few for an interval or a test; both need 3 or more, and a sign-flip"),
        (["seed=1,2,3,4,5"], "5 seeds for each arm: a sign-flip test needs 6 or more for p < 0.05; frostline report"),
        (["seed=1,2,3,4,5,6", "pooler=mean,max"], "needs 7 or more for p < 0.05 after Holm's correction over 3 com"),
        (["seed=1,2,3,4,5,6"], ""),
        (["dataset.folds=3", "dataset.fold=0,1,2"], "1 seed for each arm: too few"),
    ],
)
def test_a_sweep_with_few_seeds_says_what_they_cannot_show(words: list[str], note: str, frostline: Command) -> None:
    result = frostline("plan", "-m", "freezing=frozen,direct", *words).out
    assert note in result.splitlines()[-1]
    assert ("for each arm" in result) == bool(note)


def test_a_sweep_of_one_arm_has_no_note_on_tests(frostline: Command) -> None:
    assert "for each arm" not in frostline("plan", "-m", "freezing=frozen", "seed=1,2").out


def test_jobs_with_the_same_plan_print_it_once(frostline: Command) -> None:
    result = table(frostline("plan", "-m", "freezing=frozen", "seed=1,2", "optimizer.lr=1e-3,1e-2"))
    lines = [line for line in result.splitlines() if "seed=" in line]
    assert lines == result.splitlines()[:4]
    assert result.count("parameters are trainable in at least one phase") == 1


def read_command(result: Said) -> list[str]:
    """Return the command that reads the written file, as --write prints it."""
    return shlex.split(result.err.rpartition("read it back with: frostline ")[2])


KNOWN = [name for name in choices("freezing") if name not in ("rules", "direct", "schedule")]


@pytest.mark.parametrize("name", KNOWN)
def test_a_written_plan_is_the_same_plan(frostline: Command, name: str) -> None:
    result = frostline("plan", f"freezing={name}", "--write", "my plan.yaml")
    if result.status == 2:
        assert "when training decides" in result.err
    else:
        assert table(frostline("plan", *read_command(result))) == table(result)


@pytest.mark.parametrize("name", ["lp_ft", "top_k"])
def test_a_written_plan_trains_the_same(frostline: Command, name: str, tmp_path: Path) -> None:
    more = ["freezing.probe_epochs=1", "trainer.max_epochs=2"] if name == "lp_ft" else ["trainer.min_steps=12"]
    words = [f"freezing={name}", *more, "head=mlp", "optimizer=sgd", *FEW, "logger=csv"]
    read_back = read_command(frostline("plan", *words, "--write", "plan.yaml"))
    results = []
    for line in (words, read_back):
        result = frostline(*line)
        assert result.status == 0, result.err
        results.append(assert_full(tmp_path / result.out.splitlines()[-1].removeprefix("results: ")))
    ours, written = results
    assert written["choices"]["freezing"] == "rules"
    assert phase_weights(written) == phase_weights(ours)
    assert written["metrics"] == ours["metrics"]


def phase_weights(result: dict[str, Any]) -> list[tuple[list[int], str]]:
    """Each phase's epochs, and the digest of what it left."""
    return [(phase["epochs"], phase["weights"]) for phase in result["phases"]]


def test_an_edited_plan_is_another_run(frostline: Command) -> None:
    words = read_command(frostline("plan", "freezing=top_k", "--write", "plan.yaml"))
    before = frostline("check", *words).out
    file = Path("plan.yaml")
    file.write_text(file.read_text().replace("1.0", "0.5"))
    assert "0.5" in table(frostline("plan", *words))
    assert frostline("check", *words).out != before


@pytest.mark.parametrize(
    ("words", "problem"),
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
def test_what_cannot_be_planned_or_written_is_reported(frostline: Command, words: list[str], problem: str) -> None:
    Path("there.yaml").touch()
    result = frostline("plan", *words)
    assert result.status == 2
    assert result.problems()[0].startswith(problem)
    assert Path("there.yaml").read_text() == "" and not Path("plan.yaml").exists()


def test_its_help_says_what_it_shows(frostline: Command) -> None:
    for flag in ("-h", "--help"):
        result = frostline("plan", flag)
        assert result.status == 0
        assert result.out.startswith("usage: frostline plan [-m] [KEY=VALUE ...] [--write FILE]")
