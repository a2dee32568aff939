"""A report says what was done to the data, once for each data set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import report_folders as folders
from command_line import Command, in_process
from frostline.report.data_notes import data_notes
from frostline.report.read.runs import COMPLETE, RunRecord

frostline = in_process
FORMATS = ("markdown", "latex", "json", "html")
NAMES = st.sampled_from(["duplicates", "case_only", "spellings"])


def run(number: int, dataset: str, notes: dict[str, int]) -> RunRecord:
    described = [
        (name, count, f"{count:,} texts of {name}: left out (first: row {count}); see") for name, count in notes.items()
    ]
    return RunRecord(f"r{number}", COMPLETE, choices={"dataset": dataset}, environment={"notes": described})


@given(st.lists(st.tuples(st.sampled_from("abc"), st.dictionaries(NAMES, st.integers(1, 5000))), max_size=8))
def test_each_data_set_has_one_sentence_with_the_range_of_each_count(drawn: list[tuple[str, dict[str, int]]]) -> None:
    found = list(data_notes([run(i, dataset, notes) for i, (dataset, notes) in enumerate(drawn)]))
    noted = dict.fromkeys(dataset for dataset, notes in drawn if notes)
    assert [line.split()[2].rstrip(":") for line in found] == list(noted)
    for line, dataset in zip(found, noted, strict=True):
        assert "first" not in line and "see" not in line
        for name in ("duplicates", "case_only", "spellings"):
            counts = [notes[name] for of, notes in drawn if of == dataset and name in notes]
            assert line.count(f"texts of {name}: left out") == bool(counts)
            low, high = min(counts, default=0), max(counts, default=0)
            differ = f"texts of {name}: left out (from {low:,} to {high:,} in different runs)"
            assert (differ in line) == (low < high)
            assert len(set(counts)) != 1 or f"{counts[0]:,} texts of {name}: left out" in line


@pytest.mark.parametrize("form", FORMATS)
def test_the_notes_of_runs_on_a_table_are_printed_once(frostline: Command, tmp_path: Path, form: str) -> None:
    notes = [
        {"name": "duplicates", "count": 80, "message": "80 texts of train that occur again: left out (first: row 2)"},
        {"name": "spellings", "count": 2, "message": "classes that are written in several ways: '1' ('1', '1.0')"},
        {"name": "separator", "count": 1, "message": "my.csv is separated by semicolons, as its header shows"},
    ]
    made = [folders.run(Path("runs"), freezing, seed) for freezing in ("frozen", "full") for seed in (1, 2, 3)]
    for file in (folder / "environment.json" for folder in made):
        content = json.loads(file.read_text())
        content["data"]["notes"] = notes
        file.write_text(json.dumps(content))
    result = frostline("report", "runs", "--format", form)
    assert result.status == 0, result.err
    sentence = (
        "80 texts of train that occur again: left out; classes that are written in several ways (2); "
        "my.csv is separated by semicolons, as its header shows."
    )
    text = result.out.replace("\\_", "_")
    assert text.count(f"Data of {folders.CHOICES['dataset']}: {sentence}") == 1
