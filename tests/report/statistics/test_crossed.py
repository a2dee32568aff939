"""Differences over seeds and texts together, and scores as means over texts, each by a second way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score

from frostline.report.statistics.by_text import accuracy_by_text, macro_f1_by_text
from frostline.report.statistics.crossed import CrossedDifference, SplitDifferences, crossed_difference

rng = np.random.default_rng


def crossed(values: np.ndarray, split: object = "test") -> CrossedDifference:
    """values: (S, T) of seeds with the same texts."""
    return crossed_difference([SplitDifferences(s, split, np.arange(len(row)), row) for s, row in enumerate(values)])


def test_texts_that_do_not_vary_leave_student_s_test_over_seeds() -> None:
    """All texts of a seed have its mean: what remains of the texts are the two that are added."""
    means = np.array([0.02, 0.05, 0.03, 0.06])
    result = crossed(np.repeat(means[:, None], 100_000, axis=1))
    interval = stats.ttest_1samp(means, 0).confidence_interval()
    assert [result.low, result.high] == pytest.approx([interval.low, interval.high], abs=1e-4)
    assert result.p == pytest.approx(stats.ttest_1samp(means, 0).pvalue, rel=0.01)


def test_seeds_that_do_not_vary_leave_student_s_interval_over_texts() -> None:
    texts = rng(0).choice([-1.0, 0.0, 1.0], 50_000, p=[0.1, 0.8, 0.1])
    result = crossed(np.repeat(texts[None], 5, axis=0))
    interval = stats.ttest_1samp(texts, 0).confidence_interval()
    assert [result.low, result.high] == pytest.approx([interval.low, interval.high], abs=1e-4)
    assert (result.seeds, result.texts) == (5, 50_000)


def test_the_variance_is_that_of_the_analysis_of_variance() -> None:
    """Mean squares of a crossed table without repetition: Var = (MS seeds + MS texts - MS rest) / (S T)."""
    seeds, texts = 6, 4000
    values = rng(1).normal(0, 0.05, (seeds, 1)) + rng(2).normal(0, 0.5, texts) + rng(3).normal(0, 0.3, (seeds, texts))
    row, col, mean = values.mean(axis=1), values.mean(axis=0), values.mean()
    rest = values - row[:, None] - col + mean
    squares = texts * row.var(ddof=1), seeds * col.var(ddof=1), (rest**2).sum() / ((seeds - 1) * (texts - 1))
    variance = (squares[0] + squares[1] - squares[2]) / (seeds * texts)
    weight = squares[0] / (seeds * texts) / variance
    quantile = weight * stats.t.ppf(0.975, seeds - 1) + (1 - weight) * stats.t.ppf(0.975, texts - 1)
    result = crossed(values)
    assert result.mean == pytest.approx(mean)
    assert (result.high - result.low) / 2 == pytest.approx(quantile * math.sqrt(variance), rel=0.01)


@settings(max_examples=50, deadline=None)
@given(st.integers(3, 8), st.integers(2, 60), st.integers(0, 1000))
def test_p_is_below_a_twentieth_exactly_if_the_interval_excludes_zero(seeds: int, texts: int, seed: int) -> None:
    result = crossed(rng(seed).choice([-1.0, 0.0, 1.0], (seeds, texts), p=[0.1, 0.6, 0.3]))
    assert result.p is not None
    assert (result.p < 0.05) == (result.low > 0 or result.high < 0)
    assert -1 <= result.low <= result.mean <= result.high <= 1


def test_equal_predictions_are_no_finding_and_not_certain_either() -> None:
    result = crossed(np.zeros((3, 100)))
    assert result.p == pytest.approx(1)
    assert result.low < 0 < result.high


def test_with_two_seeds_the_interval_is_over_texts_alone_and_there_is_no_p() -> None:
    values = rng(0).choice([-1.0, 0.0, 1.0], (2, 20_000), p=[0.1, 0.6, 0.3])
    result = crossed(values)
    interval = stats.ttest_1samp(values.mean(axis=0), 0).confidence_interval()
    assert result.p is None and not result.over_seeds
    assert [result.low, result.high] == pytest.approx([interval.low, interval.high], abs=1e-3)


def test_folds_of_a_seed_are_one_seed_and_their_texts_are_different_ones() -> None:
    values = rng(0).normal(0.1, 1, (3, 40))
    whole = crossed(values)
    folds = [
        SplitDifferences(s, fold, np.arange(20), row[20 * fold : 20 * fold + 20])
        for s, row in enumerate(values)
        for fold in (0, 1)
    ]
    result = crossed_difference(folds)
    assert (result.seeds, result.texts, result.mean) == (3, 40, pytest.approx(whole.mean))


def test_texts_that_a_seed_draws_are_counted_once_in_the_variance() -> None:
    """Each seed has texts of its own: the seeds alone carry all variation."""
    samples = [SplitDifferences(s, s, np.arange(500), rng(s).normal(0.05, 1, 500)) for s in range(6)]
    result = crossed_difference(samples)
    interval = stats.ttest_1samp([sample.values.mean() for sample in samples], 0).confidence_interval()
    assert result.texts == 3000
    assert result.high - result.low == pytest.approx(interval.high - interval.low, rel=0.2)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 6), st.integers(1, 40), st.integers(0, 1000))
def test_the_mean_over_texts_is_scikit_learn_s_score(classes: int, texts: int, seed: int) -> None:
    labels, predicted = rng(seed).integers(0, classes, (2, texts))
    f1 = f1_score(labels, predicted, labels=range(classes), average="macro", zero_division=0)
    assert accuracy_by_text(labels, predicted, classes).mean() == pytest.approx(accuracy_score(labels, predicted))
    assert macro_f1_by_text(labels, predicted, classes).mean() == pytest.approx(f1)


def test_the_influence_of_a_text_is_the_change_of_macro_f1_with_its_weight() -> None:
    labels, predicted = rng(0).integers(0, 4, (2, 30))
    step, values = 1e-6, macro_f1_by_text(labels, predicted, 4)
    for text in range(30):
        weights = np.full(30, 1 / 30)
        before = f1_score(labels, predicted, average="macro", sample_weight=weights)
        weights = (1 - step) * weights + step * (np.arange(30) == text)
        change = (f1_score(labels, predicted, average="macro", sample_weight=weights) - before) / step
        assert values[text] - values.mean() == pytest.approx(change, abs=1e-4)
