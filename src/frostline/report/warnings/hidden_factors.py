"""Warnings of config keys that differ between runs of one cell or row and that the table does not show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from frostline.report.grid import Grid, Key
from frostline.report.read.runs import REPEATS, RunRecord, format_pairs, format_value, is_covered
from frostline.report.warnings.warning import ReportWarning, format_count
from frostline.results.identity import NOT_IN_ID

HARMLESS = ("seed", "dataset.shifted", "trainer.checkpoint_seconds", *REPEATS)
CACHE_DTYPE = "cache.dtype"  # the only key of the cache that changes results
FEW = 2  # up to so many runs, or entries of one mapping, are named individually

RunsByValue = dict[Any, list[RunRecord]]


def hidden_factors(grid: Grid, extra: Sequence[str] = ()) -> Iterator[ReportWarning]:
    """Warn of keys that differ within cells, then of keys that differ between the cells of a row.

    extra: keys whose values the table shows in a column of their own, where they may differ between the cells of a row.
    """
    within: dict[str, list[str]] = {}
    between: dict[str, list[str]] = {}
    for row in grid.rows:
        row_runs = [run for col in grid.cols for run in grid.cell(row, col)]
        keys = differing_keys(row_runs)
        for col in grid.cols:
            for key, values in differences_within(grid.cell(row, col)) if keys else ():
                cell = format_pairs(grid.shown, (*row, *col))
                within.setdefault(key, []).append(f"{cell}: {_describe_values(values)}")
        for key, text in _differences_between(grid, row, keys - {*within, *extra}):
            between.setdefault(key, []).append(f"{format_pairs(grid.row_keys, row)}: {text}")
    yield from _warn(within, "between runs of one cell")
    yield from _warn(between, "between the columns of a row")


def _warn(concerned: Mapping[str, Sequence[str]], where: str) -> Iterator[ReportWarning]:
    """Warn of each key (key -> cells); many entries of one mapping, such as head.words, share a warning."""
    entries: dict[str, list[str]] = {}
    for key in concerned:
        entries.setdefault(".".join(key.split(".")[:2]), []).append(key)
    for mapping, keys in entries.items():
        if len(keys) > FEW:
            yield ReportWarning(f"{len(keys)} entries of {mapping} differ {where} and are not shown", keys)
        else:
            yield from (ReportWarning(f"{key} differs {where} and is not shown", concerned[key]) for key in keys)


def differing_keys(runs: Sequence[RunRecord]) -> set[str]:
    """Return the config keys in which runs differ and which can change results; a group if its choice differs."""
    keys: set[str] = set()
    groups: set[str] = set()
    for run in runs[1:]:
        keys |= {key for key, _ in run.config.items() ^ runs[0].config.items()}
        groups |= {group for group, _ in run.choices.items() ^ runs[0].choices.items()}
    groups = {group for group in groups if any(is_covered(key, [group]) for key in keys)}
    ungrouped = {key for key in keys if not is_covered(key, list(groups))}
    return set(filter(_can_change_results, ungrouped | groups))


def _can_change_results(key: str) -> bool:
    return key == CACHE_DTYPE or (key not in HARMLESS and key.partition(".")[0] not in NOT_IN_ID)


def differences_within(runs: Sequence[RunRecord]) -> Iterator[tuple[str, RunsByValue]]:
    """Yield the keys that can change results and differ between the runs of a cell, with the runs of each value."""
    for key in sorted(differing_keys(runs) if len(runs) > 1 else set()):
        values: RunsByValue = {}
        for run in runs:
            values.setdefault(run.value(key), []).append(run)
        yield key, values


def _describe_values(values: Mapping[Any, Sequence[RunRecord]]) -> str:
    """Return `0.001 in 9 runs, 0.01 in <folder>`: the rarest values with their folders."""
    most = max(map(len, values.values()))
    words = []
    for value, runs in values.items():
        by_name = len(runs) <= FEW and (len(runs) < most or len(values) == 2)
        where = " and ".join(run.folder for run in runs) if by_name else format_count(len(runs))
        words.append(f"{format_value(value)} in {where}")
    return ", ".join(words)


def _differences_between(grid: Grid, row: Key, keys: set[str]) -> Iterator[tuple[str, str]]:
    for key in sorted(key for key in keys if not is_covered(key, grid.col_keys) and key != "study"):
        cols_by_value: dict[Any, list[str]] = {}
        for col in grid.cols:
            for value in dict.fromkeys(run.value(key) for run in grid.cell(row, col)):
                cols_by_value.setdefault(value, []).append(format_pairs(grid.col_keys, col))
        if len(cols_by_value) > 1:
            yield key, ", ".join(f"{format_value(v)} in {' and '.join(cols)}" for v, cols in cols_by_value.items())
