"""Config keys in which runs differ that the table puts together, and which it does not show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from frostline.report.grid import Grid, Key
from frostline.report.read.runs import REPEATS, RunRecord, format_pairs, format_value, is_covered
from frostline.report.warnings.warning import ReportWarning, format_count
from frostline.results.identity import ASIDE

HARMLESS = ("seed", "dataset.shifted", "trainer.checkpoint_seconds", *REPEATS)
ROUNDED = "cache.dtype"  # the one key of the cache that changes numbers
FEW = 2  # runs, or entries of one mapping, that are named one by one

Values = dict[Any, list[RunRecord]]


def hidden_factors(grid: Grid) -> Iterator[ReportWarning]:
    """Within cells, then between the cells of a row."""
    within: dict[str, list[str]] = {}
    between: dict[str, list[str]] = {}
    for row in grid.rows:
        own = [run for col in grid.cols for run in grid.cell(row, col)]
        suspects = differing_keys(own)
        for col in grid.cols:
            for key, values in _within(grid.cell(row, col), suspects):
                within.setdefault(key, []).append(f"{format_pairs(grid.shown, (*row, *col))}: {_told(values)}")
        for key, told_of in _between(grid, row, suspects - set(within)):
            between.setdefault(key, []).append(f"{format_pairs(grid.row_keys, row)}: {told_of}")
    yield from _doubts(within, "between runs of one cell")
    yield from _doubts(between, "between the columns of a row")


def _doubts(found: Mapping[str, Sequence[str]], where: str) -> Iterator[ReportWarning]:
    """found: key -> what is concerned. Many entries of one mapping, such as the words of each class, are one doubt."""
    entries: dict[str, list[str]] = {}
    for key in found:
        entries.setdefault(".".join(key.split(".")[:2]), []).append(key)
    for mapping, keys in entries.items():
        if len(keys) > FEW:
            yield ReportWarning(f"{len(keys)} entries of {mapping} differ {where} and are not shown", keys)
        else:
            yield from (ReportWarning(f"{key} differs {where} and is not shown", found[key]) for key in keys)


def differing_keys(runs: Sequence[RunRecord]) -> set[str]:
    """Keys, or groups where the choice itself differs, in which runs differ and which can change a result."""
    keys: set[str] = set()
    groups: set[str] = set()
    for run in runs[1:]:
        keys |= {key for key, _ in run.config.items() ^ runs[0].config.items()}
        groups |= {group for group, _ in run.choices.items() ^ runs[0].choices.items()}
    groups = {group for group in groups if any(is_covered(key, [group]) for key in keys)}
    return {key for key in keys if not is_covered(key, list(groups)) and _matters(key)} | set(filter(_matters, groups))


def _matters(key: str) -> bool:
    return key == ROUNDED or (key not in HARMLESS and key.partition(".")[0] not in ASIDE)


def _within(runs: Sequence[RunRecord], keys: set[str]) -> Iterator[tuple[str, Values]]:
    own = differing_keys(runs) if len(runs) > 1 and keys else set()
    for key in sorted(own):
        values: Values = {}
        for run in runs:
            values.setdefault(run.value(key), []).append(run)
        yield key, values


def _told(values: Mapping[Any, Sequence[RunRecord]]) -> str:
    """`0.001 in 9 runs, 0.01 in runs/…`: the fewest by name."""
    most = max(map(len, values.values()))
    parts = []
    for value, runs in values.items():
        named = len(runs) <= FEW and (len(runs) < most or len(values) == 2)
        parts.append(
            f"{format_value(value)} in " + (" and ".join(r.folder for r in runs) if named else format_count(len(runs)))
        )
    return ", ".join(parts)


def _between(grid: Grid, row: Key, keys: set[str]) -> Iterator[tuple[str, str]]:
    for key in sorted(key for key in keys if not is_covered(key, grid.col_keys) and key != "study"):
        by_value: dict[Any, list[str]] = {}
        for col in grid.cols:
            for value in dict.fromkeys(run.value(key) for run in grid.cell(row, col)):
                by_value.setdefault(value, []).append(format_pairs(grid.col_keys, col))
        if len(by_value) > 1:
            yield key, ", ".join(f"{format_value(value)} in {' and '.join(cols)}" for value, cols in by_value.items())
