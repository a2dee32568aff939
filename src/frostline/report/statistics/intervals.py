"""What a few seeds say: mean, standard deviation, Student's interval; and Holm's correction of many tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEVEL = 0.95


@dataclass(frozen=True)
class Summary:
    """n values: mean, standard deviation (of n - 1), and the 95% interval of the mean.

    All in the metric's own unit; None where there are too few values for it.
    """

    n: int
    mean: float | None
    std: float | None
    low: float | None
    high: float | None


def summarize(values: Sequence[float]) -> Summary:
    """Student's t for values that are independent and near normal: one a seed."""
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
    """Of Student's t, above which lies half of what the interval leaves out."""
    from scipy.special import stdtrit  # scipy.stats, which has it too, takes seconds to import

    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def holm(chances: Sequence[float]) -> list[float]:
    """p values corrected so that any wrong finding among them is as rare as one of a single test.

    Holm, S. (1979): A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6.
    """
    order = sorted(range(len(chances)), key=lambda i: chances[i])
    corrected, highest = [0.0] * len(chances), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(chances) - rank) * chances[i]))
        corrected[i] = highest
    return corrected
