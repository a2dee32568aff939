"""Compare two trained models text by text: McNemar's test."""

from __future__ import annotations

from typing import Any


def mcnemar(correct: Any, baseline_correct: Any) -> float:
    """Return p of McNemar's exact test of two runs, given whether each predicts each text correctly, (N,) both.

    Among the texts that exactly one run predicts correctly, each run is equally likely to be that run (McNemar, 1947).
    """
    from scipy.stats import binomtest

    wins, losses = int((correct & ~baseline_correct).sum()), int((baseline_correct & ~correct).sum())
    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
