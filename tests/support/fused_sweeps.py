"""Fused sweeps on a small data set, and the comparison of a fused run with the same run by itself."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from frostline.results.atomic_files import read_json

SMALL = [
    "freezing=frozen",
    "dataset.max_train=100",
    "dataset.max_val=60",
    "dataset.max_test=50",
    "trainer.max_epochs=3",
]
FUSED = ["-m", "hydra/launcher=fused", "logger=csv", "study=fused"]
NOT_COMPARED = {"weights", "seconds", "seconds_fit", "peak_memory_bytes", "texts_encoded", "texts_from_store"}


def results(study: str, root: str = "runs") -> dict[str, Path]:
    """Return the folders of a study's complete runs by id."""
    return {read_json(file)["id"]: file.parent for file in Path(root, study).glob("*/result.json")}


def cost(run: Path) -> dict[str, Any]:
    """Return the cost of a complete run."""
    values: dict[str, Any] = read_json(run / "result.json")["cost"]
    return values


def results_unaffected_by_kills(root: str) -> dict[str, dict[str, Any]]:
    """Return by id what must be the same in each fused run, however often its sweep was killed."""
    stored = {job: read_json(run / "result.json") for job, run in results("fused", root).items()}
    keys = ("metrics", "phases", "best", "confusion")
    return {job: {key: result[key] for key in keys} for job, result in stored.items()}


def assert_equals_single_run(fused: Path, single: Path) -> None:
    """Compare the files of a fused run with those of the same run by itself; metrics may differ by rounding."""
    first, second = read_json(fused / "result.json"), read_json(single / "result.json")
    for key in ("metrics", "thresholds"):
        assert first.pop(key, {}) == pytest.approx(second.pop(key, {}), abs=1e-4)
    assert _compared(first) == _compared(second)
    names, values = _curves(fused)
    assert (names, values) == (_curves(single)[0], pytest.approx(_curves(single)[1], abs=1e-4))
    assert _file_names(fused) == _file_names(single)
    for name in ("config.yaml", "plan.txt", ".hydra/overrides.yaml"):
        assert (fused / name).read_text() == (single / name).read_text()


def _compared(value: Any) -> Any:
    """Leave out times, what depends on the machine, and the digest of weights, which are equal up to rounding."""
    if isinstance(value, dict):
        return {key: _compared(item) for key, item in value.items() if key not in NOT_COMPARED}
    return [_compared(item) for item in value] if isinstance(value, list) else value


def _curves(run: Path) -> tuple[list[list[str]], list[float]]:
    rows = list(csv.reader((run / "metrics.csv").read_text().splitlines()))[1:]
    return [row[:3] for row in rows], [float(row[3]) for row in rows]


def _file_names(run: Path) -> list[str]:
    return sorted(str(file.relative_to(run)) for file in run.rglob("*"))
