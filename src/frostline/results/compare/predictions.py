"""The comparison of the predictions of two runs for the same texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import compute, parquet

from frostline.results.compare.aspects import DIFFERS, EQUAL, NEAR, Aspect


def compare_predictions(first: Path, second: Path, tolerance: float) -> Aspect:
    """Compare two predictions.parquet.

    They are near where no probability differs by more than the tolerance and the predicted classes are the same.
    """
    tables = [parquet.read_table(first), parquet.read_table(second)]
    sets = [list(dict.fromkeys(table["set"].to_pylist())) for table in tables]
    if sets[0] != sets[1] or _probability_columns(tables[0]) != _probability_columns(tables[1]):
        return Aspect("predictions", DIFFERS, ("other test sets or classes",))
    results = [_compare_set(name, *(t.filter(compute.equal(t["set"], name)) for t in tables)) for name in sets[0]]
    lines = tuple(line for line, distance, _ in results if distance > 0)
    if not lines:
        return Aspect("predictions", EQUAL)
    near = all(distance <= tolerance and not changed for _, distance, changed in results)
    return Aspect("predictions", NEAR if near else DIFFERS, lines)


def _probability_columns(table: pa.Table) -> list[str]:
    return [name for name in table.column_names if name[:2] == "p_" and name[2:].isdecimal()]


def _compare_set(name: str, first: pa.Table, second: pa.Table) -> tuple[str, float, int]:
    """Return a description, the largest difference of probabilities, and how many texts got another class."""
    if first["id"] != second["id"] or first["label"] != second["label"]:
        return f"{name}: other texts or labels", float("inf"), 0
    columns = _probability_columns(first)
    a, b = (np.stack([table[column].to_numpy() for column in columns], axis=1) for table in (first, second))
    distance = float(np.abs(a - b).max(initial=0))
    changed = int((a.argmax(axis=1) != b.argmax(axis=1)).sum())
    line = f"{name}: another class for {changed:,} of {len(a):,} texts, probabilities differ by up to {distance:.2g}"
    return line, distance, changed
