"""The share of the gap between two rows that each row closes: 0 at the baseline, 1 at the ceiling."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from frostline.report.cells import TableCell, split_means
from frostline.report.grid import Grid, Key
from frostline.report.read.runs import RunRecord
from frostline.report.statistics.intervals import summarize
from frostline.results.metric_names import is_better

Scores = Mapping[tuple[Any, Any], float]  # (seed, split) -> score


def gap_closed(grid: Grid, cell: TableCell, ends: Sequence[Key | None], collapsed: Collection[str]) -> TableCell:
    """Return the cell with shares of the gap instead of scores, seed by seed.

    There are no shares unless the ceiling is better in each seed. ends: the rows of baseline and ceiling. Collapsed
    runs of the baseline count, because a guess is where its gap begins.
    """

    def split_scores(row: Key | None, left_out: Collection[str]) -> Scores:
        runs: Sequence[RunRecord] = () if row is None else grid.cell(row, cell.col)
        return split_means(runs, cell.metric, grid.row_keys, left_out)

    low, high = ends
    gap = split_scores(low, ()), split_scores(high, collapsed)
    values, all_values = (
        shares_by_seed(cell.metric, split_scores(cell.row, left_out), *gap) for left_out in (collapsed, ())
    )
    summary, summary_with_collapsed = (summarize(list(shares.values())) for shares in (values, all_values))
    return dataclasses.replace(
        cell,
        values=values,
        summary=summary,
        summary_with_collapsed=summary_with_collapsed,
        is_baseline=cell.row == low,
    )


def shares_by_seed(metric: str, scores: Scores, low: Scores, high: Scores) -> dict[Any, float]:
    """Return seed -> share, from the scores of three rows, over the splits that all three have."""
    sums: dict[Any, tuple[float, float, float]] = {}
    for pair in [pair for pair in scores if pair in low and pair in high]:
        before = sums.get(pair[0], (0.0, 0.0, 0.0))
        sums[pair[0]] = before[0] + scores[pair], before[1] + low[pair], before[2] + high[pair]
    if not all(is_better(metric, top, base) for _, base, top in sums.values()):
        return {}
    return {seed: (score - base) / (top - base) for seed, (score, base, top) in sums.items()}
