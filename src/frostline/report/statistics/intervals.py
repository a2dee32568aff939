"""Mean, standard deviation and Student's t interval over seeds; Holm's correction for several tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

LEVEL = 0.95
FEWEST_SEEDS = 3  # with two, Student's t interval is 12.7 standard errors wide on each side: it excludes nothing
ANY_VALUE = (-math.inf, math.inf)

Interval = tuple[float, float]


@dataclass(frozen=True)
class Summary:
    """n values: mean, standard deviation (with n - 1), and the 95% confidence interval (low, high) of the mean.

    All are in the unit of the metric, and None if there are too few values, for the interval as `t_interval` says.
    """

    n: int
    mean: float | None
    std: float | None
    low: float | None
    high: float | None


def summarize(values: Sequence[float], within: Interval = ANY_VALUE) -> Summary:
    """Summarize independent values, one for each seed. within: the smallest and largest value of the metric."""
    n = len(values)
    if n == 0:
        return Summary(0, None, None, None, None)
    mean = math.fsum(values) / n
    if n == 1:
        return Summary(1, mean, None, None, None)
    low, high = t_interval(values, within) or (None, None)
    return Summary(n, mean, _std(values, mean), low, high)


def t_interval(values: Sequence[float], within: Interval = ANY_VALUE) -> Interval | None:
    """Return Student's t 95% confidence interval of the mean of values, one for each seed, clipped to `within`.

    None for fewer than 3 values, and if all are equal: they show no variation from which an interval could follow. The
    interval is exact for normal values. experiments/report/README.md has its simulated coverage for others.
    """
    n = len(values)
    if n < FEWEST_SEEDS or math.isclose(min(values), max(values), rel_tol=1e-9, abs_tol=1e-12):
        return None
    mean = math.fsum(values) / n
    half = t_quantile(n - 1) * _std(values, mean) / math.sqrt(n)
    return max(mean - half, within[0]), min(mean + half, within[1])


def _std(values: Sequence[float], mean: float) -> float:
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


@cache
def t_quantile(freedom: int) -> float:
    """Return the upper quantile of Student's t distribution for a two-sided 95% interval."""
    from scipy.special import stdtrit  # scipy.stats has the same function, and takes seconds to import

    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values so that the probability of any false positive among them is that of a single test.

    Holm, S. (1979): A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = highest
    return corrected
