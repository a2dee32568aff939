"""The table at the end of a run or a sweep, made from the result.json of each job."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline.results.atomic_files import read_json

TRAINED, RESUMED, COMPLETE, FAILED, SKIPPED = "trained", "resumed", "already complete", "failed", "skipped"
PRUNED = "pruned"  # stopped early by the pruner of its search
MAX_WIDTH = 40  # of a value, such as a list of 38 class names
COLUMNS = ("trainable", "accuracy", "macro-F1", "cache hits", "seconds")


@dataclass(frozen=True)
class Row:
    """A finished job: its folder, what it was, and its exit status.

    how: one of the outcomes above. error: the reason, for a job without a result.
    """

    folder: str
    choices: Mapping[str, str]
    overrides: Sequence[str]
    status: int = 0
    error: str = ""
    how: str = TRAINED


def summary_table(rows: Sequence[Row]) -> str:
    """Return the table of finished jobs, the folder of their results, and the reason of each failure.

    The first columns are the keys in which jobs differ. trainable: parameters trained in any phase. cache hits: the
    percentage of texts read whose frozen states came from the cache.
    """
    if not rows:
        return "no job has finished; see the messages above"
    keys = differing_keys(rows)
    cells = [[*keys, *COLUMNS], *([*_shown_values(row, keys), *_result_cells(row)] for row in rows)]
    errors = [f"{row.how}: {Path(row.folder).name}: {row.error}" for row in rows if row.error]
    return "\n".join(
        [*align_columns(cells, len(keys)), "", f"results: {_common_folder(rows)}", *_counts(rows), *errors]
    )


def values_by_key(row: Row) -> dict[str, str]:
    """Return the overrides of a job by key, and its choices of config groups without one."""
    pairs = (line.lstrip("+").partition("=") for line in row.overrides)
    return {**row.choices, **{key: value for key, _, value in pairs}}


def differing_keys(rows: Sequence[Row]) -> list[str]:
    """Return the overridden keys in which jobs differ, in the order of the overrides; `freezing` where none does."""
    keys = dict.fromkeys(line.lstrip("+").partition("=")[0] for row in rows for line in row.overrides)
    return [key for key in keys if len({values_by_key(row).get(key) for row in rows}) > 1] or ["freezing"]


def shorten(value: str) -> str:
    """Return a value on one line, without its middle where it is longer than MAX_WIDTH."""
    line = " ".join(value.split())
    return line if len(line) <= MAX_WIDTH else f"{line[: MAX_WIDTH // 2]}…{line[1 - MAX_WIDTH // 2 :]}"


def align_columns(cells: Sequence[Sequence[str]], left: int) -> list[str]:
    """Return the lines of a table, with a rule below the titles. The first `left` columns are aligned left."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in cells
    ]
    return [line.rstrip() for line in [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]]


def _shown_values(row: Row, keys: Sequence[str]) -> list[str]:
    values = values_by_key(row)
    return [shorten(values.get(key, "")) for key in keys]


def _result_cells(row: Row) -> list[str]:
    file = Path(row.folder) / "result.json"
    if row.error or not file.exists():
        return [row.how if row.error else FAILED, *[""] * (len(COLUMNS) - 1)]
    result: dict[str, Any] = read_json(file)
    metrics, cost = result["metrics"], result["cost"]
    scores = [f"{metrics[name]:.3f}" for name in ("test/accuracy", "test/f1_macro")]
    return [f"{result['parameters']['ever_trainable']:,}", *scores, _cache_hits(cost), f"{cost['seconds']:.1f}"]


def _cache_hits(cost: Mapping[str, Any]) -> str:
    """Return the percentage of texts read that the encoder did not have to encode; empty where it was not recorded."""
    if not cost.get("texts_read"):
        return ""
    return f"{max(1 - cost['texts_encoded'] / cost['texts_read'], 0):.0%}"


def _counts(rows: Sequence[Row]) -> list[str]:
    """Return a line that counts the outcomes of a sweep, unless all jobs were trained."""
    count = Counter(row.how for row in rows)
    if len(rows) == 1 or set(count) == {TRAINED}:
        return []
    return [f"{len(rows)} jobs: " + ", ".join(f"{number} {how}" for how, number in count.items())]


def _common_folder(rows: Sequence[Row]) -> str:
    """Return the folder of the one job, or the folder that contains those of all."""
    folders = [Path(row.folder) for row in rows]
    common = folders[0] if len(folders) == 1 else Path(os.path.commonpath([folder.parent for folder in folders]))
    return str(common.relative_to(Path.cwd()) if common.is_relative_to(Path.cwd()) else common)
