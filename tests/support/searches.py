"""A small search, and what it leaves behind: in Optuna's storage, in the runs' folders, below the table."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import optuna
import pytest

from command_line import Command, Said
from frostline.results.atomic_files import read_json

SMALL = ["dataset.max_train=64", "dataset.max_val=32", "dataset.max_test=32", "dataset.max_length=32", "logger=csv"]
SEARCH = ["-m", "hydra/sweeper=optuna", *SMALL, "freezing=frozen", "trainer.max_epochs=2"]
RATE = "optimizer.lr=tag(log,interval(1e-4,1e-1))"
TWELVE = [*SEARCH, RATE, "head=linear,cosine", "hydra.sweeper.n_trials=12"]
FUSED = [*SEARCH, RATE, "hydra/launcher=fused", "hydra.sweeper.n_jobs=4", "hydra.sweeper.n_trials=8"]
PRUNED = "hydra.sweeper.pruner={name: threshold, upper: 0.0}"  # whatever comes is too much


def trials(root: str = "runs") -> list[Any]:
    """What Optuna knows, of the one search below a folder."""
    [file] = Path(root).glob("*/.optuna/*.log")
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(file)))
    [summary] = optuna.get_all_study_summaries(storage)
    found: list[Any] = optuna.load_study(study_name=summary.study_name, storage=storage).trials
    return found


def states(root: str = "runs") -> list[str]:
    return [trial.state.name for trial in trials(root)]


def drawn(root: str = "runs") -> list[dict[str, Any]]:
    return [trial.params for trial in trials(root)]


def costs(root: str = "runs") -> dict[str, float]:
    return {file.parent.name: read_json(file)["cost"]["seconds"] for file in Path(root).glob("*/*/result.json")}


def lines(said: Said) -> list[str]:
    """What follows the table."""
    every = said.out.splitlines()
    return every[every.index("") + 1 :]


def scores(root: str = "runs") -> list[float]:
    return [trial.value for trial in trials(root)]


def epochs(run: Path) -> set[int]:
    with (run / "metrics.csv").open(newline="") as file:
        return {int(row["epoch"]) for row in csv.DictReader(file)}


@pytest.fixture
def searched(frostline: Command) -> Said:
    """Eight trials, four at a time."""
    said = frostline(*FUSED)
    assert said.status == 0, said.err
    return said
