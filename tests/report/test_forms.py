"""One table in each format, compared with golden files.

Computed by hand: top_k is 0.09 better than frozen with each of 7 seeds, so p is 2 in 2**7, and after Holm twice that.

Tests frostline.report.formats.flat, frostline.report.formats.words, frostline.report.table, frostline.report.grid,
frostline.report.captions.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

import report_folders as folders
from command_line import Command, in_process

frostline = in_process
GOLDEN = Path(__file__).parent / "golden"
ASKED = ["report", "runs", "--metric", "test/f1_macro,test/ece", "--baseline", "freezing=frozen"]


@pytest.fixture(autouse=True)
def runs(frostline: Command) -> None:
    """Seven seeds of frozen and top_k; of direct five, one that has collapsed and one that has failed."""
    for seed in range(1, 8):
        score, more = 0.60 + 0.01 * seed, {"test/ece": 0.05 + 0.001 * (-1) ** seed}
        folders.run(Path("runs"), "frozen", seed, score, metrics={"test/ece": 0.05})
        folders.run(Path("runs"), "top_k", seed, score + 0.1, metrics=more)
        folders.run(Path("runs"), "direct", seed, 0.5 if seed == 6 else 0.62, name=f"direct-s{seed}", metrics=more)
    folders.failed(Path("runs/direct-s7"))


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_the_text_of_a_table_is_that_of_the_golden_file(form: str, frostline: Command) -> None:
    assert frostline(*ASKED, "--format", form).out == (GOLDEN / form).read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_a_table_has_intervals_on_request(form: str, frostline: Command) -> None:
    table = frostline(*ASKED, "--format", form, "--interval").out
    assert table == (GOLDEN / f"{form}-interval").read_text(encoding="utf-8")


def test_the_caption_has_the_number_of_seeds_if_it_is_the_same_in_all_cells(frostline: Command) -> None:
    table = frostline("report", "runs", "--where", "freezing=top_k").out
    assert "| top_k | 0.666 ± 0.019 |" in table
    assert "Mean ± standard deviation over 7 seeds." in table
    table = frostline("report", "runs", "--where", "freezing=top_k", "--where", "seed=3").out
    assert "| top_k | 0.657 |" in table
    assert "Values of one seed, without a standard deviation." in table


def test_json_is_as_it_was(frostline: Command) -> None:
    result = frostline(*ASKED, "--format", "json").out
    assert near(json.loads(result), json.loads((GOLDEN / "json").read_text(encoding="utf-8")))


def test_csv_is_as_it_was_and_its_warnings_go_to_standard_error(frostline: Command) -> None:
    result = frostline(*ASKED, "--format", "csv")
    records, golden = (list(csv.DictReader(io.StringIO(text))) for text in (result.out, (GOLDEN / "csv").read_text()))
    assert near([*map(numbers, records)], [*map(numbers, golden)])
    assert [line.split(":")[0] for line in result.err.splitlines()] == ["warning"] * 3


def numbers(row: dict[str, str]) -> dict[str, Any]:
    return {key: float(value) if value and value[0] in "-0123456789" else value for key, value in row.items()}


def near(one: Any, other: Any) -> bool:
    """Return whether two records are equal up to rounding, which differs between processors."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(near(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(near, one, other))
    return one == (pytest.approx(other, abs=1e-9) if isinstance(other, float) else other)


def test_names_with_special_characters_of_a_format_are_escaped(frostline: Command) -> None:
    folders.run(Path("odd"), "a|b_50%", 1)
    assert r"| a\|b_50% |" in frostline("report", "odd").out
    assert r"a|b\_50\% &" in frostline("report", "odd", "--format", "latex").out


def test_a_row_for_each_seed(frostline: Command) -> None:
    result = frostline("report", "runs", "--where", "freezing=top_k", "--per-seed", "--format", "json").out
    rows = json.loads(result)["rows"]
    assert [(row["freezing"], row["seed"], row["n"], row["low"]) for row in rows] == [
        ("top_k", seed, 1, None) for seed in range(1, 8)
    ]
    assert [row["mean"] for row in rows] == pytest.approx([0.9 * (0.70 + 0.01 * seed) for seed in range(1, 8)])


def test_rows_are_in_the_order_of_where(frostline: Command) -> None:
    result = frostline("report", "runs", "--where", "freezing=top_k,direct,frozen", "--format", "json").out
    assert [row["freezing"] for row in json.loads(result)["rows"]] == ["top_k", "direct", "frozen"]
