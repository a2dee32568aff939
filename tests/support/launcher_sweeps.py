"""Small sweeps for tests of launchers, and the comparison of their results."""

from __future__ import annotations

from pathlib import Path

import pytest

from frostline.results.atomic_files import read_json

TINY = ["dataset.max_train=64", "dataset.max_val=32", "dataset.max_test=32", "trainer.max_epochs=1", "trainer=cpu"]
Results = dict[str, dict[str, float]]


def results(root: Path = Path("runs")) -> Results:
    """Return the metrics of each complete run by id."""
    stored = [read_json(file) for file in root.glob("*/*/result.json")]
    return {result["id"]: result["metrics"] for result in stored}


def assert_same_results(first: Results, second: Results) -> None:
    assert first.keys() == second.keys()
    for run, metrics in second.items():
        assert first[run] == pytest.approx(metrics, abs=1e-6), run
