"""How much of the gap between two rows each row closes: 0 at the baseline, 1 at the ceiling."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from frostline.report.cells import TableCell, split_means
from frostline.report.grid import Grid, Key
from frostline.report.read.runs import RunRecord
from frostline.report.statistics.intervals import summarize
from frostline.results.metric_names import better

Pairs = Mapping[tuple[Any, Any], float]


def gap_closed(grid: Grid, cell: TableCell, ends: Sequence[Key | None], fallen: Collection[str]) -> TableCell:
    """The cell with shares in place of scores, seed by seed; without any where the ceiling is not better in each seed.

    ends: the rows of baseline and ceiling. A collapsed run of the baseline counts: to guess is where its gap begins.
    """

    def scores(row: Key | None, left_out: Collection[str]) -> Pairs:
        runs: Sequence[RunRecord] = () if row is None else grid.cell(row, cell.col)
        return split_means(runs, cell.metric, grid.row_keys, left_out)

    low, high = ends
    gap = scores(low, ()), scores(high, fallen)
    values, every = (_shares(cell.metric, scores(cell.row, left_out), *gap) for left_out in (fallen, ()))
    told, with_collapsed = (summarize(list(found.values())) for found in (values, every))
    return dataclasses.replace(
        cell, values=values, told=told, with_collapsed=with_collapsed, is_baseline=cell.row == low
    )


def _shares(metric: str, own: Pairs, low: Pairs, high: Pairs) -> dict[Any, float]:
    """(seed, split) -> score, of three rows -> a share a seed, over the splits that all three have."""
    sums: dict[Any, tuple[float, float, float]] = {}
    for pair in [pair for pair in own if pair in low and pair in high]:
        before = sums.get(pair[0], (0.0, 0.0, 0.0))
        sums[pair[0]] = before[0] + own[pair], before[1] + low[pair], before[2] + high[pair]
    if not all(better(metric, top, base) for _, base, top in sums.values()):
        return {}
    return {seed: (score - base) / (top - base) for seed, (score, base, top) in sums.items()}
