"""Find collapsed runs: runs that are no better than guessing although other seeds of the same arm are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from frostline.report.read.runs import RunRecord

CLEAR = 2.0  # standard errors


def find_collapsed(cells: Iterable[Sequence[RunRecord]]) -> list[RunRecord]:
    """Return the runs that are no better than a guess without the texts, while another run of their cell clearly is.

    A guess may answer with any proportions of the classes. Its expected accuracy is at most the share of the largest
    class of the test set. Its macro-F1 is at most one over the number of classes: each F1 is a harmonic mean of two
    shares, thus at most their arithmetic mean, and those sum to one. A collapsed run must be at or below both bounds.
    Accuracy alone is not enough: a model that was trained on equally many texts of each class may be below the share of
    the largest class of an imbalanced test set and still distinguish the other classes.

    The other run must be above the share of the largest class by two standard errors of that share. If there is none,
    the whole arm is weak, which the table shows by itself. Runs on multilabel texts are never counted as collapsed.
    """
    collapsed: list[RunRecord] = []
    for runs in cells:
        if any(_excess(run) > CLEAR for run in runs):
            collapsed += [run for run in runs if _excess(run) <= 0 and _is_guess_f1(run)]
    return collapsed


def _is_guess_f1(run: RunRecord) -> bool:
    return run.metrics.get("test/f1_macro", math.nan) * sum(map(bool, run.supports)) <= 1


def _excess(run: RunRecord) -> float:
    """Return the accuracy less the share of the largest class, in standard errors; nan without a confusion matrix."""
    texts = sum(run.supports)
    accuracy = run.metrics.get("test/accuracy", math.nan)
    if not texts:
        return math.nan
    share = max(run.supports) / texts
    error = math.sqrt(share * (1 - share) / texts)
    gap = accuracy - share
    if abs(gap) < 0.5 / texts:  # less than half a text: rounding
        return 0.0
    return gap / error if error else math.copysign(math.inf, gap)
