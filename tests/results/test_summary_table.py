"""The table at the end."""

from __future__ import annotations

import json
from pathlib import Path

from frostline.results.summary_table import FAILED, TRAINED, Row, table

COST = {"seconds": 12.34, "texts_read": 1000, "texts_encoded": 250}


def row(folder: Path, *overrides: str, status: int = 0, error: str = "", learned: int = 1234567) -> Row:
    folder.mkdir(parents=True)
    metrics = {"test/accuracy": 0.61234, "test/f1_macro": 0.5}
    result = {"metrics": metrics, "parameters": {"ever_trainable": learned}, "cost": COST}
    if not status:
        (folder / "result.json").write_text(json.dumps(result))
    return Row(str(folder), {"freezing": "full"}, overrides, status, error, FAILED if status else TRAINED)


def test_a_single_run_is_one_row(tmp_path: Path) -> None:
    assert table([row(tmp_path / "runs" / "a")]).splitlines() == [
        "freezing    learned  accuracy  macro-F1  saved  seconds",
        "--------  ---------  --------  --------  -----  -------",
        "full      1,234,567     0.612     0.500    75%     12.3",
        "",
        "results: runs/a",
    ]


def test_jobs_are_told_apart_by_what_differs(tmp_path: Path) -> None:
    rows = [
        row(tmp_path / "runs" / "a", "freezing=frozen", "+seed=1", "optimizer.lr=1"),
        row(tmp_path / "runs" / "b", "freezing=full", "+seed=1", "optimizer.lr=2", status=1, error="out of memory"),
    ]
    lines = table(rows).splitlines()
    assert lines[0].split() == ["freezing", "optimizer.lr", "learned", "accuracy", "macro-F1", "saved", "seconds"]
    assert lines[3].split() == ["full", "2", "failed"]
    assert lines[-3:] == ["results: runs", "2 jobs: 1 trained, 1 failed", "failed: b: out of memory"]


def test_a_long_value_leaves_room_for_the_scores(tmp_path: Path) -> None:
    template = "head.template='Is this film review negative, neutral or positive?\n{text}\nIt is'"
    rows = [row(tmp_path / "a", template), row(tmp_path / "b", "head.template='{text} It was'")]
    assert [line[:40].rstrip() for line in table(rows).splitlines()[2:4]] == [
        "'Is this film review…tive? {text} It is'",
        "'{text} It was'",
    ]
