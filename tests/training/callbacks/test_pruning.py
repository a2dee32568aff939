"""A trial that is pruned ends early, is not trained again, and has not failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Command, in_process
from frostline.results.atomic_files import read_json
from searches import PRUNED, RATE, SEARCH, epochs, lines, states, trials
from wandb_files import exits, history, read, summary

frostline = in_process


def test_a_trial_that_is_pruned_has_not_failed(frostline: Command) -> None:
    words = [*SEARCH, RATE, "hydra.sweeper.n_trials=2", PRUNED]
    said = frostline(*words)
    assert said.status == 0, said.err
    assert states() == ["PRUNED", "PRUNED"]
    assert [list(trial.intermediate_values) for trial in trials()] == [[0], [0]]
    assert [line.split()[1] for line in said.out.splitlines()[2:4]] == ["pruned", "pruned"]
    assert lines(said)[1] == "2 jobs: 2 pruned"
    assert all(line.startswith("pruned: ") and line.endswith("after epoch 1 of 2") for line in lines(said)[2:4])
    assert lines(said)[-1] == "best: no trial is complete"
    runs = [file.parent for file in Path("runs").glob("*/*/pruned.json")]
    assert [epochs(run) for run in runs] == [{1}, {1}]
    for run in runs:
        assert not {"result.json", "failure.json"} & {file.name for file in run.iterdir()}
    again = frostline(*words)
    assert again.status == 0
    assert "epoch 1" not in again.err
    assert lines(again) == lines(said)


def test_a_pruned_trial_that_was_not_told_stays_pruned_and_for_anyone_else_is_a_run(frostline: Command) -> None:
    words = [*SEARCH, RATE, "hydra.sweeper.n_trials=1", PRUNED]
    assert frostline(*words).status == 0
    [file] = Path("runs").glob("*/.optuna/*.log")
    told = file.read_text().splitlines(keepends=True)
    file.write_text("".join(told[:-1]))  # as if killed before that was written
    assert states() == ["RUNNING"]
    said = frostline(*words)
    assert lines(said)[1].startswith("pruned: ")
    assert "epoch 1" not in said.err
    assert states() == ["PRUNED"]
    [run] = [pruned.parent for pruned in Path("runs").glob("*/*/pruned.json")]
    overrides = read_json(run / ".job.json")["overrides"]
    assert frostline(*overrides).status == 0
    assert epochs(run) == {1, 2}
    assert (run / "result.json").exists() and not (run / "pruned.json").exists()


def test_what_comes_to_its_end_at_once_is_not_pruned(frostline: Command) -> None:
    assert frostline(*SEARCH, RATE, "hydra.sweeper.n_trials=1", PRUNED, "trainer.max_epochs=1").status == 0
    assert states() == ["COMPLETE"]


@pytest.mark.slow
def test_the_ranks_of_a_pruned_trial_end_together(frostline: Command) -> None:
    words = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"]
    said = frostline(*SEARCH, RATE, "hydra.sweeper.n_trials=1", PRUNED, *words)
    assert said.status == 0, said.err
    assert states() == ["PRUNED"]
    assert lines(said)[1].startswith("pruned: ")


@pytest.mark.slow
def test_for_wandb_a_pruned_trial_has_ended_well(no_wandb_account: Path, frostline: Command) -> None:
    words = [word for word in SEARCH if word != "logger=csv"]
    assert frostline(*words, "logger=auto", RATE, "hydra.sweeper.n_trials=1", PRUNED).status == 0
    [run] = [pruned.parent for pruned in Path("runs").glob("*/*/pruned.json")]
    [records] = read(run)
    assert exits(records) == [0]
    assert summary(records)["pruned"] is True
    assert [row["epoch"] for row in history(records) if "train/loss" in row] == [1]
