"""A table as a value: what a page, a paper or a program is given, before anything is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from frostline.report.cells import TableCell, make_cell, split_means
from frostline.report.gap_shares import gap_closed
from frostline.report.grid import Grid, Key
from frostline.report.query import Query
from frostline.report.read.runs import Value, names_value
from frostline.report.statistics import paired
from frostline.report.statistics.intervals import holm
from frostline.report.warnings.warning import ReportWarning


@dataclass(frozen=True)
class TextDifference:
    """Accuracy of a row less the baseline's. texts: of all splits; low, high: the 95% bootstrap interval over texts,
    in which a text keeps its predictions of all seeds. mcnemar: seed (and split) -> p, Holm-corrected over the table.
    """

    row: Key
    col: Key
    texts: int
    mean: float
    low: float
    high: float
    mcnemar: Mapping[str, float]


@dataclass(frozen=True)
class ReportTable:
    """row_keys, col_keys: what the values of rows and cols are of. cells: one a row, a column and a metric that has
    runs. notes: how to read it, a sentence each. warnings: what is missing or does not belong. texts: rows compared
    with the baseline text by text, where that was asked for.
    """

    row_keys: Sequence[str]
    col_keys: Sequence[str]
    rows: Sequence[Key]
    cols: Sequence[Key]
    metrics: Sequence[str]
    cells: Mapping[tuple[Key, Key, str], TableCell]
    baseline: Mapping[str, str]
    ceiling: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notes: Sequence[str] = ()
    warnings: Sequence[ReportWarning] = ()
    texts: Sequence[TextDifference] = ()

    def each(self) -> Iterator[TableCell]:
        """Row by row."""
        for row in self.rows:
            for col in self.cols:
                for metric in self.metrics:
                    if (row, col, metric) in self.cells:
                        yield self.cells[row, col, metric]


def make_table(grid: Grid, asked: Query, fallen: Collection[str]) -> ReportTable:
    """fallen: folders of the runs that have collapsed."""
    cells = {
        (row, col, metric): make_cell(row, col, metric, runs, fallen)
        for (row, col), runs in grid.at.items()
        for metric in asked.metrics
    }
    if asked.baseline and asked.ceiling:
        ends = {row: [baseline_row(grid, row, end) for end in (asked.baseline, asked.ceiling)] for row in grid.rows}
        cells = {place: gap_closed(grid, one, ends[one.row], fallen) for place, one in cells.items()}
    elif asked.baseline:
        cells = _corrected(_compared(grid, asked, cells, fallen))
    shown = grid.row_keys, grid.col_keys, grid.rows, grid.cols
    return ReportTable(*shown, asked.metrics, cells, asked.baseline, asked.ceiling)


Cells = dict[tuple[Key, Key, str], TableCell]


def baseline_row(grid: Grid, row: Key, baseline: Mapping[str, str]) -> Key | None:
    """The row that this one is compared with: the same but for the keys of the baseline."""
    for other in grid.rows:
        pairs = zip(grid.row_keys, row, other, strict=True)
        if all(names_value(b, baseline[key]) if key in baseline else _same(a, b) for key, a, b in pairs):
            return other
    return None


def _same(one: Value, other: Value) -> bool:
    return bool(one == other)


def _compared(grid: Grid, asked: Query, cells: Cells, fallen: Collection[str]) -> Cells:
    bases = {row: baseline_row(grid, row, asked.baseline) for row in grid.rows}
    found: Cells = {}
    for (row, col, metric), one in cells.items():
        base = bases[row]
        if base == row or base is None:
            found[row, col, metric] = dataclasses.replace(one, is_baseline=base == row)
            continue
        own, theirs = grid.cell(row, col), grid.cell(base, col)
        pairs, every = (
            paired.differences_by_seed(*(split_means(runs, metric, grid.row_keys, left) for runs in (own, theirs)))
            for left in (fallen, ())
        )
        found[row, col, metric] = dataclasses.replace(
            one,
            difference=paired.paired_difference(pairs),
            difference_with_collapsed=sum(every) / len(every) if every else None,
        )
    return found


def _corrected(cells: Cells) -> Cells:
    """By Holm, over all tests of the table; what had too few pairs was never tested."""
    found = {place: one.difference.p for place, one in cells.items() if one.difference}
    tested = {place: p for place, p in found.items() if p is not None}
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    return {place: dataclasses.replace(one, p=corrected.get(place)) for place, one in cells.items()}
