"""The one rule by which a learning rate, or another value, is chosen from the validation scores of several seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from frostline.results.metric_names import is_better

T = TypeVar("T")


@dataclass(frozen=True)
class Candidate:
    """A value that was tried: its mean validation score, and the number of seeds that the mean is over."""

    score: float
    seeds: int


def candidates(scores: Mapping[T, Mapping[object, float]]) -> dict[T, Candidate]:
    """Return the candidates of value -> seed -> score, over the seeds that all values have.

    A value is left out if one of these scores is not finite. If no seed is common to all values, there is none.
    """
    common = set.intersection(*({*by_seed} for by_seed in scores.values())) if scores else set()
    means = {
        value: Candidate(math.fsum(by_seed[seed] for seed in common) / len(common), len(common))
        for value, by_seed in scores.items()
        if common
    }
    return {value: candidate for value, candidate in means.items() if math.isfinite(candidate.score)}


def best_candidate(metric: str, scores: Mapping[T, Mapping[object, float]]) -> T | None:
    """Return the value with the best mean of `metric`: of equal ones the smallest number, else the first.

    None if there is no candidate.
    """
    means = candidates(scores)
    best: T | None = None
    for value in sorted(means, key=_order):
        if best is None or is_better(metric, means[value].score, means[best].score):
            best = value
    return best


def _order(value: object) -> tuple[bool, float]:
    """Sort numbers, and texts such as `optimizer.lr=0.01` that end with one, by size; all else is after them."""
    try:
        return False, float(str(value).rpartition("=")[2])
    except ValueError:
        return True, 0.0
