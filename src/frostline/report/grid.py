"""Runs arranged in rows and columns by the values of config keys or groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frostline.report.read.runs import RunRecord, Value

Key = tuple[Value, ...]  # the values of the keys of a row or of a column


@dataclass(frozen=True)
class Grid:
    """row_keys, col_keys: the config keys of rows and columns. rows, cols: their values, in order. at: runs by cell."""

    row_keys: Sequence[str]
    col_keys: Sequence[str]
    rows: Sequence[Key]
    cols: Sequence[Key]
    at: Mapping[tuple[Key, Key], Sequence[RunRecord]]

    @property
    def shown(self) -> tuple[str, ...]:
        return (*self.row_keys, *self.col_keys)

    def cell(self, row: Key, col: Key) -> Sequence[RunRecord]:
        return self.at.get((row, col), ())

    def pairs(self, row: Key, col: Key) -> list[tuple[str, Value]]:
        """Return the keys of a cell with their values."""
        return list(zip(self.shown, (*row, *col), strict=True))


def make_grid(
    runs: Iterable[RunRecord],
    rows: Sequence[str],
    cols: Sequence[str],
    order: Mapping[str, Sequence[Any]] | None = None,
) -> Grid:
    """Arrange runs. order: values of keys in the order of the query; all further values follow, numbers by size."""
    at: dict[tuple[Key, Key], list[RunRecord]] = {}
    for run in runs:
        row, col = (tuple(run.value(key) for key in keys) for keys in (rows, cols))
        at.setdefault((row, col), []).append(run)
    return Grid(
        rows,
        cols,
        _sort({row for row, _ in at}, rows, order or {}),
        _sort({col for _, col in at}, cols, order or {}),
        at,
    )


def _sort(keys_values: Iterable[Key], keys: Sequence[str], order: Mapping[str, Sequence[Any]]) -> list[Key]:
    def rank(values: Key) -> list[Any]:
        return [_rank(value, order.get(key, ())) for key, value in zip(keys, values, strict=True)]

    return sorted(keys_values, key=rank)


def _rank(value: Value, order: Sequence[Any]) -> tuple[int, int, float, str]:
    at = order.index(value) if value in order else len(order)
    if value is None:
        return at, 0, 0.0, ""
    number = isinstance(value, int | float)
    return at, 1 if number else 2, float(value) if number else 0.0, str(value)
