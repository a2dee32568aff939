"""A sentence on what is missing or does not belong, with the runs, cells or keys concerned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from frostline.report.read.runs import RunRecord

MOST = 5  # that are named where people read


@dataclass(frozen=True)
class ReportWarning:
    """what: the sentence, less those concerned."""

    what: str
    concerned: Sequence[str] = ()

    def __str__(self) -> str:
        return self.told(len(self.concerned))

    def told(self, most: int = MOST) -> str:
        """The sentence with so many of those concerned, and how many more: on one line, as a value may have more."""
        more = len(self.concerned) - most
        named = [*self.concerned[:most], *([f"and {more} more"] if more > 0 else [])]
        return " ".join(": ".join(filter(None, [self.what, "; ".join(named)])).split())


def format_count(number: int, noun: str = "run") -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def differ_from_most(
    runs: Sequence[RunRecord], what: str, value: Callable[[RunRecord], Any], shown: Callable[[Any], str] = str
) -> Iterator[ReportWarning]:
    """Runs whose value is not that of most. what: `have another version of torch`."""
    counts = Counter(map(value, runs))
    if len(counts) < 2:
        return
    usual, number = counts.most_common(1)[0]
    odd = [f"{run.folder} ({shown(value(run))})" for run in runs if value(run) != usual]
    yield ReportWarning(f"{len(odd)} of {format_count(len(runs))} {what} than the other {number} ({shown(usual)})", odd)
