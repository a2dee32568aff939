"""A warning: a sentence, and the runs, cells or config keys that it concerns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from frostline.report.read.runs import RunRecord

MAX_NAMED = 5  # concerned items that are listed in markdown, LaTeX and HTML


@dataclass(frozen=True)
class ReportWarning:
    """what: the sentence. concerned: the runs, cells or keys."""

    what: str
    concerned: Sequence[str] = ()

    def __str__(self) -> str:
        return self.shortened(len(self.concerned))

    def shortened(self, most: int = MAX_NAMED) -> str:
        """Return one line with at most so many concerned items, and the number of further items."""
        more = len(self.concerned) - most
        names = [*self.concerned[:most], *([f"and {more} more"] if more > 0 else [])]
        return " ".join(": ".join(filter(None, [self.what, "; ".join(names)])).split())


def format_count(number: int, noun: str = "run") -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def differ_from_most(
    runs: Sequence[RunRecord], what: str, value: Callable[[RunRecord], Any], shown: Callable[[Any], str] = str
) -> Iterator[ReportWarning]:
    """Warn of runs whose value is not the most frequent one. what: such as `have another version of torch`."""
    counts = Counter(map(value, runs))
    if len(counts) < 2:
        return
    usual, number = counts.most_common(1)[0]
    different = [f"{run.folder} ({shown(value(run))})" for run in runs if value(run) != usual]
    sentence = f"{len(different)} of {format_count(len(runs))} {what} than the other {number} ({shown(usual)})"
    yield ReportWarning(sentence, different)
