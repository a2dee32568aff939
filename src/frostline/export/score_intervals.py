"""Confidence intervals of the scores of one run over the texts of a test set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES, SEED, CHUNK = 1000, 0, 100
LEVEL = 0.95

Flags = NDArray[np.bool_]


class TextScores(NamedTuple):
    """True classes and predicted classes of N texts (N, C), and what they are counted from."""

    true: Flags
    predicted: Flags


def read_text_scores(
    file: Path, test_set: str, classes: Sequence[str], thresholds: Sequence[float] | None
) -> TextScores:
    """Read the true and the predicted classes of a test set from predictions.parquet."""
    from pyarrow import parquet

    table = parquet.read_table(file, filters=[("set", "==", test_set)])
    names = [f"p_{index}" for index in range(len(classes))]
    probabilities = np.stack([table[name].to_numpy() for name in names], axis=1)
    true = np.zeros(probabilities.shape, dtype=bool)
    for row, label in zip(true, table["label"].to_pylist(), strict=True):
        row[label] = True
    if thresholds is not None:
        return TextScores(true, probabilities.astype(np.float64) >= np.asarray(thresholds))
    predicted = np.zeros_like(true)
    predicted[np.arange(len(predicted)), probabilities.argmax(axis=1)] = True
    return TextScores(true, predicted)


def bootstrap_interval(scores: TextScores, metric: str) -> tuple[float, float]:
    """Return the 95% percentile bootstrap interval of `accuracy` or `f1_macro` over texts.

    1,000 samples of N texts are drawn with replacement, with seed 0 (Efron, B. (1979): Bootstrap methods: another look
    at the jackknife. The Annals of Statistics 7).
    """
    return _quantiles([_weighted(scores, weights, metric) for weights in _samples(len(scores.true))])


def difference_interval(first: TextScores, second: TextScores, metric: str) -> tuple[float, float]:
    """Return the same interval of the difference, first less second, of two models on the same texts."""
    samples = _samples(len(first.true))
    return _quantiles([_weighted(first, w, metric) - _weighted(second, w, metric) for w in samples])


def _samples(texts: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each text is in each of some samples (S, N)."""
    rng = np.random.default_rng(SEED)
    for _ in range(RESAMPLES // CHUNK):
        yield rng.multinomial(texts, np.full(texts, 1 / texts), size=CHUNK).astype(np.float64)


def _quantiles(values: Sequence[Any]) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(np.concatenate(values), [tail, 1 - tail])
    return float(low), float(high)


def _weighted(scores: TextScores, weights: NDArray[np.float64], metric: str) -> NDArray[np.float64]:
    """Return the score of each sample (S,); weights (S, N): how often each text is in it."""
    if metric == "accuracy":
        correct = (scores.true == scores.predicted).all(axis=1)
        share: NDArray[np.float64] = weights @ correct / weights.sum(axis=1)
        return share
    hits = weights @ (scores.true & scores.predicted)
    either = weights @ scores.true.astype(np.float64) + weights @ scores.predicted.astype(np.float64)
    f1: NDArray[np.float64] = (2 * hits / np.maximum(either, 1)).mean(axis=1)
    return f1
