"""Runs that learned nothing where their siblings did: to be counted apart, never averaged away."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from frostline.report.runs import Run

CLEAR = 2.0  # standard errors of a share


def collapsed(cells: Iterable[Sequence[Run]]) -> list[Run]:
    """A run whose test accuracy is at or below the share of the largest class of its test set, as that of a model is
    that tells every text the same, while a sibling is clearly above: by two standard errors of such a share.

    Siblings are the runs of the same cell: other seeds and splits. Without such a sibling the whole arm is weak, which
    the table shows by itself. Runs on texts of several labels have no such share and are never counted so.
    """
    found: list[Run] = []
    for runs in cells:
        if any(_excess(run) > CLEAR for run in runs):
            found += [run for run in runs if _excess(run) <= 0]
    return found


def _excess(run: Run) -> float:
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
