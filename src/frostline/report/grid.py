"""Runs laid out in rows and columns by the values of config keys or groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frostline.report.read.runs import RunRecord, Value

Key = tuple[Value, ...]  # the values of a row's keys, or of a column's


@dataclass(frozen=True)
class Grid:
    """row_keys, col_keys: what is shown. rows, cols: the values there are, in order. at: the runs of each cell."""

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

    def placed(self, row: Key, col: Key) -> list[tuple[str, Value]]:
        return list(zip(self.shown, (*row, *col), strict=True))


def make_grid(
    runs: Iterable[RunRecord],
    rows: Sequence[str],
    cols: Sequence[str],
    wanted: Mapping[str, Sequence[Any]] | None = None,
) -> Grid:
    """wanted: values of keys in the order in which they are to stand; numbers go by size, names by the alphabet."""
    at: dict[tuple[Key, Key], list[RunRecord]] = {}
    for run in runs:
        at.setdefault((_values(run, rows), _values(run, cols)), []).append(run)
    return Grid(
        rows,
        cols,
        _ordered({row for row, _ in at}, rows, wanted or {}),
        _ordered({col for _, col in at}, cols, wanted or {}),
        at,
    )


def _values(run: RunRecord, keys: Sequence[str]) -> Key:
    return tuple(run.value(key) for key in keys)


def _ordered(found: Iterable[Key], keys: Sequence[str], wanted: Mapping[str, Sequence[Any]]) -> list[Key]:
    def rank(values: Key) -> list[Any]:
        return [_rank(value, wanted.get(key, ())) for key, value in zip(keys, values, strict=True)]

    return sorted(found, key=rank)


def _rank(value: Value, wanted: Sequence[Any]) -> tuple[int, int, float, str]:
    at = wanted.index(value) if value in wanted else len(wanted)
    if value is None:
        return at, 0, 0.0, ""
    number = isinstance(value, int | float)
    return at, 1 if number else 2, float(value) if number else 0.0, str(value)
