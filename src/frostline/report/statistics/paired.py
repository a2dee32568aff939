"""Differences between two rows, seed by seed: how large, how sure. scipy.stats is imported in use: it takes seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEVEL = 0.05
LEAST = 0.001  # that is written out
RESAMPLES = 9999  # signs are all tried where there are no more ways than this, of up to 13 pairs


@dataclass(frozen=True)
class PairedDifference:
    """To the baseline: the mean over pairs, its 95% bootstrap interval, and p before Holm's correction.

    low, high: None for one pair. p: None where no p below 0.05 can come of so few pairs.
    """

    pairs: int
    mean: float
    low: float | None
    high: float | None
    p: float | None

    @property
    def exact(self) -> bool:
        return is_exact(self.pairs)


def is_exact(pairs: int) -> bool:
    """Whether all signs are tried."""
    return pairs <= math.log2(RESAMPLES)


def can_be_significant(pairs: int) -> bool:
    """Whether a two-sided sign-flip test can reach p < 0.05 at all: its smallest p is 2 in 2**pairs."""
    return math.ldexp(2.0, -pairs) < LEVEL


FEWEST = next(pairs for pairs in range(1, 20) if can_be_significant(pairs))


def differences_by_seed(values: Mapping[tuple[Any, Any], float], base: Mapping[tuple[Any, Any], float]) -> list[float]:
    """(seed, split) -> value, of two rows -> a difference a seed: the mean over the splits that both have.

    Splits of one seed share texts and are no independent repetition.
    """
    seeds: dict[Any, list[float]] = {}
    for pair in values:
        if pair in base:
            seeds.setdefault(pair[0], []).append(values[pair] - base[pair])
    return [sum(own) / len(own) for own in seeds.values()]


def paired_difference(differences: Sequence[float]) -> PairedDifference | None:
    """differences: one a seed. None without any."""
    if not differences:
        return None
    pairs = len(differences)
    low, high = bootstrap_interval(differences)
    p = float(sign_flip(differences)) if can_be_significant(pairs) else None
    return PairedDifference(pairs, sum(differences) / pairs, low, high, p)


def sign_flip(differences: Any) -> Any:
    """(..., n) paired differences -> p (...,) of the two-sided permutation test in which each may change its sign.

    Exact where `is_exact`; else 9,999 draws, always the same.
    """
    import numpy as np
    from scipy.stats import permutation_test

    found = permutation_test(
        (np.asarray(differences, dtype=float),),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        axis=-1,
        rng=np.random.default_rng(0),
    )
    return found.pvalue


def bootstrap_interval(differences: Sequence[float]) -> tuple[float | None, float | None]:
    """The bias-corrected and accelerated 95% bootstrap interval of the mean; of few pairs it is rather narrow."""
    import numpy as np
    from scipy.stats import bootstrap

    if len(differences) < 2:
        return None, None
    values = np.asarray(differences, dtype=float)
    if np.ptp(values) <= 1e-12 * np.abs(values).max():  # nothing to draw from: scipy would warn and give nan
        return float(values[0]), float(values[0])
    draws = np.random.default_rng(0)
    found = bootstrap((values,), np.mean, n_resamples=RESAMPLES, vectorized=True, axis=-1, rng=draws)
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def format_p(p: float) -> str:
    """`p=0.031`."""
    return f"p={p:.3f}" if p >= LEAST else f"p<{LEAST}"
