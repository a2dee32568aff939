"""Mean, standard deviation and Student's t interval over seeds; Holm's correction for several tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEVEL = 0.95


@dataclass(frozen=True)
class Summary:
    """n values: mean, standard deviation (with n - 1), and the 95% confidence interval (low, high) of the mean.

    All are in the unit of the metric, and None if there are too few values.
    """

    n: int
    mean: float | None
    std: float | None
    low: float | None
    high: float | None


def summarize(values: Sequence[float]) -> Summary:
    """Summarize independent and nearly normal values, one for each seed, with Student's t interval."""
    n = len(values)
    if n == 0:
        return Summary(0, None, None, None, None)
    mean = math.fsum(values) / n
    if n == 1:
        return Summary(1, mean, None, None, None)
    std = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = t_quantile(n - 1) * std / math.sqrt(n)
    return Summary(n, mean, std, mean - half, mean + half)


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
