"""The table at the end of a run or a sweep, from the result.json of each job."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline.results.atomic_files import read_json

TRAINED, RESUMED, COMPLETE, FAILED, SKIPPED = "trained", "resumed", "complete before", "failed", "skipped"
PRUNED = "pruned"  # by its search, which had seen enough
WIDEST = 40  # a value such as the words of 38 classes leaves no room for others
COLUMNS = ("learned", "accuracy", "macro-F1", "saved", "seconds")


@dataclass(frozen=True)
class Row:
    """A job that has ended: where, what it was, and its exit status.

    how: one of the words above; error: why, of a job that has no result.
    """

    folder: str
    choices: Mapping[str, str]
    overrides: Sequence[str]
    status: int = 0
    error: str = ""
    how: str = TRAINED


def table(rows: Sequence[Row]) -> str:
    """What differs between the jobs, what learned, the scores, the cost; then where the results lie.

    saved: of all times that a text was read, the share in which what lies below the frost line was not computed.
    """
    if not rows:
        return "no job has ended; see the messages above"
    keys = differing(rows)
    cells = [[*keys, *COLUMNS]] + [[*(short(given(row).get(key, "")) for key in keys), *_scores(row)] for row in rows]
    lines = aligned(cells, left=len(keys))
    told = [f"{row.how}: {Path(row.folder).name}: {row.error}" for row in rows if row.error]
    return "\n".join([*lines, "", f"results: {_place(rows)}", *_counted(rows), *told])


def _counted(rows: Sequence[Row]) -> list[str]:
    """How the jobs of a sweep ended, where that is not the same for all."""
    count = Counter(row.how for row in rows)
    if len(rows) == 1 or set(count) == {TRAINED}:
        return []
    return [f"{len(rows)} jobs: " + ", ".join(f"{number} {how}" for how, number in count.items())]


def given(row: Row) -> dict[str, str]:
    """What a job was told on the command line, and what it chose otherwise."""
    pairs = (line.lstrip("+").partition("=") for line in row.overrides)
    return {**row.choices, **{key: value for key, _, value in pairs}}


def differing(rows: Sequence[Row]) -> list[str]:
    """The keys in which the jobs differ, in the order they were given; the strategy where there is no other."""
    told = dict.fromkeys(line.lstrip("+").partition("=")[0] for row in rows for line in row.overrides)
    return [key for key in told if len({given(row).get(key) for row in rows}) > 1] or ["freezing"]


def short(value: str) -> str:
    """On one line, without its middle where it is long: values often begin or end alike."""
    line = " ".join(value.split())
    return line if len(line) <= WIDEST else f"{line[: WIDEST // 2]}…{line[1 - WIDEST // 2 :]}"


def aligned(cells: Sequence[Sequence[str]], left: int) -> list[str]:
    """Columns under each other: the first `left` flush left, numbers flush right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in cells
    ]
    return [line.rstrip() for line in [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]]


def _scores(row: Row) -> list[str]:
    file = Path(row.folder) / "result.json"
    if row.error or not file.exists():
        return [row.how if row.error else FAILED, *[""] * (len(COLUMNS) - 1)]
    result: dict[str, Any] = read_json(file)
    metrics = result["metrics"]
    learned = f"{result['parameters']['ever_trainable']:,}"
    scores = [f"{metrics[name]:.3f}" for name in ("test/accuracy", "test/f1_macro")]
    return [learned, *scores, _saved(result["cost"]), f"{result['cost']['seconds']:.1f}"]


def _saved(cost: Mapping[str, Any]) -> str:
    if not cost.get("texts_read"):  # a run of before this was counted
        return ""
    return f"{max(1 - cost['texts_encoded'] / cost['texts_read'], 0):.0%}"


def _place(rows: Sequence[Row]) -> str:
    """The one folder, or the folder that all have in common."""
    folders = [Path(row.folder) for row in rows]
    common = folders[0] if len(folders) == 1 else Path(os.path.commonpath([folder.parent for folder in folders]))
    return str(common.relative_to(Path.cwd()) if common.is_relative_to(Path.cwd()) else common)
