"""A cell that lacks runs, or that averages runs with different values of a key, says so in every format.

Tests frostline.report.completeness.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import report_folders as folders
from command_line import Command, in_process

frostline = in_process
ARMS, SEEDS = ("frozen", "full"), (1, 2, 3, 4, 5)
FORMATS = ("markdown", "latex", "json", "csv")


def printed(frostline: Command, *words: str) -> str:
    result = frostline("report", "runs", *words)
    assert result.status == 0, result.err
    return result.out


def cell_lines(text: str) -> dict[str, str]:
    """Return arm -> its line of a table in markdown or LaTeX."""
    return {arm: line for arm in ARMS for line in text.splitlines() if re.match(rf"\|? ?{arm} ", line)}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.sampled_from(list(itertools.product(ARMS, SEEDS))), min_size=2))
def test_exactly_the_cells_that_lack_seeds_are_marked(frostline: Command, present: set[tuple[str, int]]) -> None:
    shutil.rmtree("runs", ignore_errors=True)
    for arm, seed in present:
        folders.run(Path("runs"), arm, seed, 0.7)
    counts = {arm: sum(one == arm for one, _ in present) for arm in ARMS}
    wanted = len({seed for _, seed in present})
    for form in ("markdown", "latex"):
        lines = cell_lines(printed(frostline, "--format", form))
        for arm in (arm for arm in ARMS if counts[arm]):
            mark = f"({counts[arm]} of {wanted} seed{'s' if wanted > 1 else ''})"
            assert (mark in lines[arm]) == (counts[arm] < wanted), lines
    cells = json.loads(printed(frostline, "--format", "json"))["rows"]
    cells_of_csv = csv.DictReader(io.StringIO(printed(frostline, "--format", "csv")))
    assert [(cell["freezing"], cell["seeds"], cell["seeds_wanted"]) for cell in cells] == [
        (arm, counts[arm], wanted) for arm in ARMS if counts[arm]
    ]
    assert [(row["freezing"], row["seeds_wanted"]) for row in cells_of_csv] == [
        (arm, str(wanted)) for arm in ARMS if counts[arm]
    ]


def test_a_cell_of_one_seed_and_a_cell_with_a_collapsed_run_are_marked(frostline: Command) -> None:
    for seed in SEEDS:
        folders.run(Path("runs"), "frozen", seed, 0.7)
    folders.run(Path("runs"), "full", 1, 0.8)
    assert "| full | 0.720 (1 of 5 seeds) |" in printed(frostline)
    assert "Where a cell gives a number of seeds or folds, runs are missing" in printed(frostline)
    folders.run(Path("runs"), "full", 2, 0.5)
    assert "| full | 0.720 (n=1 of 2, 1 collapsed; 2 of 5 seeds) |" in printed(frostline)


def test_a_seed_whose_run_has_failed_or_is_unfinished_is_missing(frostline: Command) -> None:
    folders.grid(Path("runs"), ["full"], [1, 2, 3, 4])
    folders.grid(Path("runs"), ["frozen"], [1, 2, 3])
    failed, unfinished = (next(Path("runs").glob(f"full-*-s{seed}-*")) for seed in (3, 4))
    folders.failed(failed)
    (unfinished / "result.json").unlink()
    assert "(2 of 4 seeds)" in cell_lines(printed(frostline))["full"]
    assert "(2 of 3 seeds)" in cell_lines(printed(frostline, "--where", "seed=1,2,3"))["full"]
    assert "of" not in cell_lines(printed(frostline, "--where", "seed=1,2"))["full"]


def test_a_missing_fold_is_marked(frostline: Command) -> None:
    for fold in range(3):
        folders.grid(Path("runs"), ["frozen", "full"], [1, 2], config={"dataset.folds": 3, "dataset.fold": fold})
    shutil.rmtree(next(Path("runs").glob("full-*-s2-*")))
    lines = cell_lines(printed(frostline))
    assert "(1 fold missing)" in lines["full"] and "missing" not in lines["frozen"]


@pytest.mark.parametrize("values", [1, 2, 3])
def test_a_cell_that_averages_several_learning_rates_says_so(values: int, frostline: Command) -> None:
    folders.grid(Path("runs"), ["frozen", "full"], [1, 2])
    for at in range(1, values):
        folders.run(Path("runs"), "full", 1, 0.6, config={"optimizer.lr": 0.1 * at})
    table = printed(frostline)
    lines = cell_lines(table)
    assert (f"({values} values of optimizer.lr)" in lines["full"]) == (values > 1)
    assert ("it averages runs that differ in it: add the key to --rows" in table) == (values > 1)
    assert "values of" not in lines["frozen"]
    assert "values of" not in cell_lines(printed(frostline, "--where", "optimizer.lr=0.003"))["full"]
    assert "values of" not in cell_lines(printed(frostline, "--rows", "freezing,optimizer.lr"))["full"]


def test_the_html_page_has_the_same_marks(frostline: Command) -> None:
    folders.grid(Path("runs"), ["frozen"], [1, 2, 3])
    folders.run(Path("runs"), "full", 1, 0.8)
    folders.run(Path("runs"), "full", 1, 0.6, config={"optimizer.lr": 0.1})
    assert "(1 of 3 seeds; 2 values of optimizer.lr)" in printed(frostline, "--format", "html")
