"""Runs that learned nothing where their siblings did: to be counted apart, never averaged away."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from frostline.report.read.runs import RunRecord

CLEAR = 2.0  # standard errors of a share


def find_collapsed(cells: Iterable[Sequence[RunRecord]]) -> list[RunRecord]:
    """A run that is no better than an answer that does not look at the texts, while a sibling clearly is.

    Whatever shares of the classes such an answer has, its expected accuracy is at most the share of the largest class
    of the test set, and its macro-F1 at most one in the number of classes (each F1 is a harmonic mean of two shares,
    so at most their plain mean, and those add up to one). A run must be at or below both. Accuracy alone would not
    do: what learned from as many texts of each class may be below the largest class of a test set that is not
    balanced, and know the others. Siblings, one of them above the largest class by two standard errors of its share,
    are the runs of the same cell: other seeds and splits. Without such a sibling the whole arm is weak, which the
    table shows by itself. Runs on texts of several labels have no such share and are never counted so.
    """
    found: list[RunRecord] = []
    for runs in cells:
        if any(_excess(run) > CLEAR for run in runs):
            found += [run for run in runs if _excess(run) <= 0 and _is_blind(run)]
    return found


def _is_blind(run: RunRecord) -> bool:
    return run.metrics.get("test/f1_macro", math.nan) * sum(map(bool, run.supports)) <= 1


def _excess(run: RunRecord) -> float:
    """Of its accuracy over the majority's share, in standard errors; nan where that cannot be said."""
    texts = sum(run.supports)
    accuracy = run.metrics.get("test/accuracy", math.nan)
    if not texts:
        return math.nan
    share = max(run.supports) / texts
    error = math.sqrt(share * (1 - share) / texts)
    gap = accuracy - share
    if abs(gap) < 0.5 / texts:  # less than half a text: the same, written with other bits
        return 0.0
    return gap / error if error else math.copysign(math.inf, gap)
