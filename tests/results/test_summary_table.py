"""The table at the end of a run or a sweep."""

from __future__ import annotations

import json
import re
from pathlib import Path

from frostline.results.summary_table import FAILED, TRAINED, Row, summary_table

COST = {"seconds": 12.34, "texts_read": 1000, "texts_encoded": 250}


def row(folder: Path, *overrides: str, status: int = 0, error: str = "", trainable: int = 1234567) -> Row:
    folder.mkdir(parents=True)
    metrics = {"test/accuracy": 0.61234, "test/f1_macro": 0.5}
    result = {"metrics": metrics, "parameters": {"ever_trainable": trainable}, "cost": COST}
    if not status:
        (folder / "result.json").write_text(json.dumps(result))
    return Row(str(folder), {"freezing": "full"}, overrides, status, error, FAILED if status else TRAINED)


def test_a_single_run_is_one_row(tmp_path: Path) -> None:
    assert summary_table([row(tmp_path / "runs" / "a")]).splitlines() == [
        "freezing  trainable  accuracy  macro-F1  cache hits  seconds",
        "--------  ---------  --------  --------  ----------  -------",
        "full      1,234,567     0.612     0.500         75%     12.3",
        "",
        "results: runs/a",
    ]


def test_the_first_columns_are_the_keys_in_which_jobs_differ(tmp_path: Path) -> None:
    rows = [
        row(tmp_path / "runs" / "a", "freezing=frozen", "+seed=1", "optimizer.lr=1"),
        row(tmp_path / "runs" / "b", "freezing=full", "+seed=1", "optimizer.lr=2", status=1, error="out of memory"),
    ]
    lines = summary_table(rows).splitlines()
    titles = ["freezing", "optimizer.lr", "trainable", "accuracy", "macro-F1", "cache hits", "seconds"]
    assert re.split(" {2,}", lines[0]) == titles
    assert lines[3].split() == ["full", "2", "failed"]
    assert lines[-3:] == ["results: runs", "2 jobs: 1 trained, 1 failed", "failed: b: out of memory"]


def test_a_long_value_leaves_room_for_the_scores(tmp_path: Path) -> None:
    template = "head.template='Is this film review negative, neutral or positive?\n{text}\nIt is'"
    rows = [row(tmp_path / "a", template), row(tmp_path / "b", "head.template='{text} It was'")]
    assert [line[:40].rstrip() for line in summary_table(rows).splitlines()[2:4]] == [
        "'Is this film review…tive? {text} It is'",
        "'{text} It was'",
    ]
