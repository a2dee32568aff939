"""What two runs told of the same texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import compute, parquet

from frostline.results.compare.aspects import DIFFERS, EQUAL, NEAR, Aspect


def compare_predictions(first: Path, second: Path, tolerance: float) -> Aspect:
    """Near where no chance is farther away than the tolerance and every text is told the same."""
    a, b = parquet.read_table(first), parquet.read_table(second)
    sets = [list(dict.fromkeys(table["set"].to_pylist())) for table in (a, b)]
    if sets[0] != sets[1] or a.column_names != b.column_names:
        return Aspect("predictions", DIFFERS, ("of other test sets or classes",))
    found = [_of_set(name, *(table.filter(compute.equal(table["set"], name)) for table in (a, b))) for name in sets[0]]
    lines = tuple(line for line, far, _ in found if far > 0)
    if not lines:
        return Aspect("predictions", EQUAL)
    near = all(far <= tolerance and not otherwise for _, far, otherwise in found)
    return Aspect("predictions", NEAR if near else DIFFERS, lines)


def _of_set(name: str, first: pa.Table, second: pa.Table) -> tuple[str, float, int]:
    """(what there is to tell, how far chances are apart at most, how many texts are told otherwise)."""
    if first["id"] != second["id"] or first["label"] != second["label"]:
        return f"{name}: other texts or labels", float("inf"), 0
    chances = [
        np.stack([t[c].to_numpy() for c in t.column_names if c.startswith("p_")], axis=1) for t in (first, second)
    ]
    far = float(np.abs(chances[0] - chances[1]).max(initial=0))
    otherwise = int((chances[0].argmax(axis=1) != chances[1].argmax(axis=1)).sum())
    line = f"{name}: {otherwise:,} of {len(chances[0]):,} texts told otherwise, chances up to {far:.2g} apart"
    return line, far, otherwise
