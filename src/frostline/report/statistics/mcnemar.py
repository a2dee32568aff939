"""Compare two runs text by text: McNemar's test, and a bootstrap interval over texts."""

from __future__ import annotations

from typing import Any

BATCH = 200  # bootstrap samples at a time, to limit memory


def mcnemar(correct: Any, baseline_correct: Any) -> float:
    """Return p of McNemar's exact test of two runs, given whether each predicts each text correctly, (N,) both.

    Among the texts that exactly one run predicts correctly, each run is equally likely to be that run (McNemar, 1947).
    """
    from scipy.stats import binomtest

    wins, losses = int((correct & ~baseline_correct).sum()), int((baseline_correct & ~correct).sum())
    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def interval_over_texts(differences: Any) -> tuple[float, float]:
    """Return the 95% percentile bootstrap interval of the mean of differences (N,), one for each text."""
    import numpy as np
    from scipy.stats import bootstrap

    rng = np.random.default_rng(0)
    result = bootstrap((differences,), np.mean, vectorized=True, axis=-1, batch=BATCH, method="percentile", rng=rng)
    return float(result.confidence_interval.low), float(result.confidence_interval.high)
