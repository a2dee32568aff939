"""Warnings of searches that ended too early, of unequal steps, and the columns and notes that show what was chosen.

Tests frostline.report.warnings.search.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import report_folders as folders
from command_line import Command, in_process

frostline = in_process
EDGE = "the best learning rate (optimizer.lr) is at the edge of its grid: widen it"
LAST = "the best epoch is the last: train longer"


def report(frostline: Command, *words: str) -> str:
    result = frostline("report", "runs", *words)
    assert result.status == 0, result.err
    return result.out


def warnings(frostline: Command, *words: str) -> list[str]:
    found: list[str] = json.loads(report(frostline, *words, "--format", "json"))["warnings"]
    return found


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(0.1, 0.9), min_size=1, max_size=5, unique=True), st.integers(1, 3))
def test_exactly_a_best_rate_at_an_edge_is_named(frostline: Command, scores: list[float], seeds: int) -> None:
    """The scores of each rate lie around its mean, so that the best one of a single seed may be another."""
    shutil.rmtree("runs", ignore_errors=True)
    rates = [10.0 ** (at - 5) for at in range(len(scores))]
    for rate, score in zip(rates, scores, strict=True):
        for seed in range(seeds):
            metrics = {"val/f1_macro": score + 0.3 * (seed - (seeds - 1) / 2) * (1 if rate == rates[0] else -1)}
            folders.run(Path("runs"), "full", seed, 0.7, config={"optimizer.lr": rate}, metrics=metrics)
    best = max(range(len(scores)), key=scores.__getitem__)
    at_edge = len(scores) > 1 and best in (0, len(scores) - 1)
    found = [line for line in warnings(frostline, "--where", f"optimizer.lr={rates[0]:g}") if line.startswith(EDGE)]
    end = "lowest" if best == 0 else "highest"
    assert found == ([f"{EDGE}: freezing=full: {rates[best]:g}, the {end} of {len(scores)}"] if at_edge else [])
    with_rates = warnings(frostline, "--rows", "freezing,optimizer.lr")
    assert [line for line in with_rates if line.startswith(EDGE)] == found


@pytest.mark.parametrize(("epochs", "named"), [([5, 5, 1], True), ([5, 1, 1], False), ([5, 5, 5], True)])
def test_a_best_epoch_that_is_the_last_in_most_runs_is_named(
    epochs: list[int], named: bool, frostline: Command
) -> None:
    """Of five epochs; a run without a monitor, of one epoch or of nothing trained has no choice."""
    for seed, epoch in enumerate(epochs):
        folders.edit(folders.run(Path("runs"), "full", seed) / "result.json", {"best": {"epoch": epoch}})
    folders.run(Path("runs"), "bitfit", 0, config={"trainer.max_epochs": 1})
    for freezing, more in (("frozen", {"trainer.monitor": None}), ("lp_ft", {"trainer.check_val_every_n_epoch": 5})):
        folders.edit(folders.run(Path("runs"), freezing, 0, config=more) / "result.json", {"best": {"epoch": 5}})
    found = [line for line in warnings(frostline) if line.startswith(LAST)]
    assert found == ([f"{LAST}: freezing=full: in {sum(epoch == 5 for epoch in epochs)} of 3 runs"] if named else [])


def test_rows_with_other_numbers_of_steps_are_named(frostline: Command) -> None:
    for freezing, steps in (("frozen", 260), ("full", 39)):
        for seed in (1, 2):
            file = folders.run(Path("runs"), freezing, seed) / "result.json"
            folders.edit(file, {"cost": {"steps": steps + seed * (freezing == "full")}})
    assert warnings(frostline) == ["rows differ in optimizer steps: 260 in freezing=frozen; 40 to 41 in freezing=full"]


def test_the_chosen_rate_is_a_column_on_request(frostline: Command) -> None:
    for dataset, rate in (("vader_movies", 0.003), ("vader_nyt", 0.01)):
        config = {"dataset.domain": dataset, "optimizer.lr": rate}
        folders.grid(Path("runs"), ["full"], [1, 2], choices={"dataset": dataset}, config=config)
        folders.grid(Path("runs"), ["frozen"], [1, 2], choices={"dataset": dataset}, config={"dataset.domain": dataset})
    words = ["--cols", "dataset", "--extra", "optimizer.lr,loss"]
    table = report(frostline, *words)
    assert "| freezing | optimizer.lr | loss | dataset=vader_movies | dataset=vader_nyt |" in table
    assert "| full | 0.003 / 0.01 | cross_entropy |" in table and "| frozen | 0.003 | cross_entropy |" in table
    assert "optimizer.lr differs between the columns" not in table
    assert "optimizer.lr differs between the columns" in report(frostline, "--cols", "dataset")
    assert r"full & 0.003 / 0.01 & cross\_entropy &" in report(frostline, *words, "--format", "latex")
    cells = json.loads(report(frostline, *words, "--format", "json"))["rows"]
    assert [cell["optimizer.lr"] for cell in cells] == ["0.003", "0.003", "0.003 / 0.01", "0.003 / 0.01"]
    assert "<td>0.003 / 0.01</td>" in report(frostline, *words, "--format", "html")
    wrong = frostline("report", "runs", "--extra", "optimizer.lrr")
    assert wrong.problems() == ["--extra optimizer.lrr: no run has this key; did you mean optimizer.lr?"]
