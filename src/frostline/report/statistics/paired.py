"""Differences between two rows, paired by seed: mean, Student's t interval and permutation test.

scipy.stats is imported in the functions that use it, because its import takes seconds.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frostline.report.statistics.crossed import CrossedDifference
from frostline.report.statistics.intervals import ANY_VALUE, Interval, t_interval

LEVEL = 0.05
SMALLEST_P = 0.001  # smaller p values are printed as p<0.001
RESAMPLES = 9999  # the test is exact if there are at most so many sign patterns, thus with up to 13 pairs


@dataclass(frozen=True)
class PairedDifference:
    """The mean difference from the baseline over pairs, its 95% interval (Student's t), and p before Holm's correction.

    low, high: None without an interval, as `t_interval` says. p: that of the sign-flip test; if so few pairs can never
    give a p below 0.05, that of `crossed`, the difference over seeds and texts, if there is one.
    """

    pairs: int
    mean: float
    low: float | None
    high: float | None
    p: float | None
    crossed: CrossedDifference | None = None

    @property
    def exact(self) -> bool:
        return is_exact(self.pairs)


def is_exact(pairs: int) -> bool:
    """Return whether the test enumerates all sign patterns."""
    return pairs <= math.log2(RESAMPLES)


def can_be_significant(pairs: int, comparisons: int = 1) -> bool:
    """Return whether a two-sided sign-flip test can reach p < 0.05 after Holm's correction over comparisons.

    The smallest p before the correction is 2 in 2**pairs.
    """
    return math.ldexp(2.0, -pairs) * comparisons < LEVEL


def fewest_pairs(comparisons: int = 1) -> int:
    """Return the smallest number of pairs with which a sign-flip test can reach p < 0.05 after Holm's correction."""
    return next(pairs for pairs in itertools.count(1) if can_be_significant(pairs, comparisons))


FEWEST = fewest_pairs()


def differences_by_seed(
    values: Mapping[tuple[Any, Any], float], baseline: Mapping[tuple[Any, Any], float]
) -> list[float]:
    """Return one difference for each seed, averaged over the splits that both rows have, from (seed, split) -> value.

    Splits of one seed share texts and are no independent repetitions.
    """
    by_seed: dict[Any, list[float]] = {}
    for pair in values:
        if pair in baseline:
            by_seed.setdefault(pair[0], []).append(values[pair] - baseline[pair])
    return [sum(differences) / len(differences) for differences in by_seed.values()]


def paired_difference(differences: Sequence[float], within: Interval = ANY_VALUE) -> PairedDifference | None:
    """Summarize the differences, one for each seed; None if there are none. within: the range of the metric."""
    if not differences:
        return None
    pairs, span = len(differences), within[1] - within[0]
    low, high = t_interval(differences, (-span, span)) or (None, None)
    p = float(sign_flip(differences)) if can_be_significant(pairs) else None
    return PairedDifference(pairs, sum(differences) / pairs, low, high, p)


def sign_flip(differences: Any) -> Any:
    """Return p (...,) of the two-sided sign-flip permutation test of paired differences (..., n).

    The test is exact if `is_exact`; otherwise it uses 9,999 random sign patterns with a fixed seed.
    """
    import numpy as np
    from scipy.stats import permutation_test

    result = permutation_test(
        (np.asarray(differences, dtype=float),),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        axis=-1,
        rng=np.random.default_rng(0),
    )
    return result.pvalue


def format_p(p: float) -> str:
    """Format a p value as `p=0.031`."""
    return f"p={p:.3f}" if p >= SMALLEST_P else f"p<{SMALLEST_P}"
