"""A table as a value, before it is written in any format."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from frostline.report.cells import TableCell, make_cell, split_means
from frostline.report.completeness import find_missing
from frostline.report.crossed_tests import CrossedTests
from frostline.report.gap_shares import gap_closed
from frostline.report.grid import Grid, Key
from frostline.report.query import Query
from frostline.report.read.runs import RunRecord, Value, format_value, names_value
from frostline.report.statistics import paired
from frostline.report.statistics.crossed import CrossedDifference
from frostline.report.statistics.intervals import holm
from frostline.report.warnings.hidden_factors import differences_within
from frostline.report.warnings.warning import ReportWarning
from frostline.results.metric_names import metric_range


@dataclass(frozen=True)
class TextDifference:
    """The accuracy of a row less that of the baseline, text by text.

    crossed: the difference over seeds and texts. p: of its test, Holm-corrected over the table; None for fewer than 3
    seeds. mcnemar: seed (and split) -> p, Holm-corrected over the table.
    """

    row: Key
    col: Key
    crossed: CrossedDifference
    p: float | None
    mcnemar: Mapping[str, float]


@dataclass(frozen=True)
class ReportTable:
    """The content of a table.

    row_keys, col_keys: the config keys of rows and cols. cells: one for each row, column and metric with runs.
    notes: sentences on how to read the table. warnings: what may make it misleading. texts: comparisons with the
    baseline text by text, on request. interval: whether each cell shows its 95% interval. extra: config key
    -> row -> its values in the runs of the row.
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
    interval: bool = False
    extra: Mapping[str, Mapping[Key, str]] = dataclasses.field(default_factory=dict)

    def each(self) -> Iterator[TableCell]:
        """Yield the cells row by row."""
        for row in self.rows:
            for col in self.cols:
                for metric in self.metrics:
                    if (row, col, metric) in self.cells:
                        yield self.cells[row, col, metric]

    @property
    def usual_seeds(self) -> int:
        """The number of seeds of most cells, which the caption gives; the largest of equally frequent numbers."""
        counts = Counter(cell.summary.n for cell in self.each() if not cell.collapsed)
        return max(counts, key=lambda seeds: (counts[seeds], seeds), default=0)

    def is_usual(self, cell: TableCell) -> bool:
        """Return whether the cell has the usual number of seeds, no collapsed run, and no run missing."""
        return not cell.collapsed and not cell.lacks_runs and cell.summary.n == self.usual_seeds


Cells = dict[tuple[Key, Key, str], TableCell]


def make_table(
    grid: Grid,
    query: Query,
    collapsed: Collection[str],
    tests: CrossedTests | None = None,
    incomplete: Sequence[RunRecord] = (),
) -> ReportTable:
    """Summarize the runs of each cell. collapsed: the folders of collapsed runs. tests: over seeds and texts.

    incomplete: runs without a result.
    """
    missing = find_missing(grid, incomplete, query.where.get("seed", ()))
    cells: Cells = {}
    for (row, col), runs in grid.at.items():
        mixed = {key: len(values) for key, values in differences_within(runs)}
        for metric in query.metrics:
            cells[row, col, metric] = make_cell(row, col, metric, runs, collapsed, missing[row, col], mixed)
    if query.baseline and query.ceiling:
        ends = {row: [baseline_row(grid, row, end) for end in (query.baseline, query.ceiling)] for row in grid.rows}
        cells = {at: gap_closed(grid, cell, ends[cell.row], collapsed) for at, cell in cells.items()}
    elif query.baseline:
        cells = _correct(_compare(grid, query, cells, collapsed, tests or CrossedTests()))
    axes = grid.row_keys, grid.col_keys, grid.rows, grid.cols
    return ReportTable(
        *axes,
        query.metrics,
        cells,
        query.baseline,
        query.ceiling,
        interval=query.interval,
        extra=_extra_columns(grid, query.extra),
    )


def _extra_columns(grid: Grid, keys: Sequence[str]) -> dict[str, dict[Key, str]]:
    """Return key -> row -> the values of the key; if they differ between the columns, those of each, in their order."""
    return {key: {row: _values_in_row(grid, row, key) for row in grid.rows} for key in keys if key not in grid.shown}


def _values_in_row(grid: Grid, row: Key, key: str) -> str:
    by_col = [", ".join(_unique_values(grid.cell(row, col), key)) for col in grid.cols if grid.cell(row, col)]
    return by_col[0] if len(set(by_col)) == 1 else " / ".join(by_col)


def _unique_values(runs: Sequence[RunRecord], key: str) -> list[str]:
    return list(dict.fromkeys(map(format_value, sorted((run.value(key) for run in runs), key=_value_order))))


def _value_order(value: Value) -> tuple[bool, float, str]:
    number = isinstance(value, int | float)
    return not number, float(value) if number else 0.0, format_value(value)


def baseline_row(grid: Grid, row: Key, baseline: Mapping[str, str]) -> Key | None:
    """Return the row with the values of the baseline that is otherwise equal to the given row."""
    for candidate in grid.rows:
        pairs = zip(grid.row_keys, row, candidate, strict=True)
        if all(names_value(b, baseline[key]) if key in baseline else _equal(a, b) for key, a, b in pairs):
            return candidate
    return None


def _equal(first: Value, second: Value) -> bool:
    return bool(first == second)


def _compare(grid: Grid, query: Query, cells: Cells, collapsed: Collection[str], tests: CrossedTests) -> Cells:
    bases = {row: baseline_row(grid, row, query.baseline) for row in grid.rows}
    comparisons = sum(bases[row] != row and (bases[row], col, metric) in cells for row, col, metric in cells)
    compared: Cells = {}
    for (row, col, metric), cell in cells.items():
        base = bases[row]
        if base == row or base is None:
            compared[row, col, metric] = dataclasses.replace(cell, is_baseline=base == row)
            continue
        runs, baseline_runs = grid.cell(row, col), grid.cell(base, col)
        pairs, all_pairs = (
            paired.differences_by_seed(
                *(split_means(side, metric, grid.row_keys, left_out) for side in (runs, baseline_runs))
            )
            for left_out in (collapsed, ())
        )
        difference = paired.paired_difference(pairs, metric_range(metric))
        if difference is not None and not paired.can_be_significant(difference.pairs, comparisons):
            crossed = tests.test(runs, baseline_runs, metric, grid.row_keys, collapsed)
            difference = dataclasses.replace(difference, p=crossed.p, crossed=crossed) if crossed else difference
        compared[row, col, metric] = dataclasses.replace(
            cell,
            difference=difference,
            difference_with_collapsed=sum(all_pairs) / len(all_pairs) if all_pairs else None,
        )
    return compared


def _correct(cells: Cells) -> Cells:
    """Correct p by Holm over all tests of the table; cells with too few pairs are not tested."""
    p_values = {at: cell.difference.p for at, cell in cells.items() if cell.difference}
    tested = {at: p for at, p in p_values.items() if p is not None}
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    return {at: dataclasses.replace(cell, p=corrected.get(at)) for at, cell in cells.items()}
