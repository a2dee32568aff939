"""The numbers of a table, each by a second way: a formula, a count of all signs, a textbook, a simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from frostline.report.statistics.intervals import holm, summarize, t_quantile
from frostline.report.statistics.paired import (
    FEWEST,
    can_be_significant,
    differences_by_seed,
    fewest_pairs,
    is_exact,
    paired_difference,
    sign_flip,
)
from frostline.results.metric_names import is_better, metric_range


@pytest.mark.parametrize("n", [3, 5, 10])
def test_mean_deviation_and_interval_are_scipy_s(n: int) -> None:
    values = np.random.default_rng(n).normal(0.7, 0.1, n)
    summary = summarize(list(values))
    low, high = stats.t.interval(0.95, n - 1, loc=values.mean(), scale=stats.sem(values))
    assert [summary.mean, summary.std, summary.low, summary.high] == pytest.approx(
        [values.mean(), values.std(ddof=1), low, high]
    )


def test_student_s_quantiles_are_those_of_the_printed_table() -> None:
    assert [t_quantile(n) for n in (1, 2, 4, 9)] == pytest.approx([12.706, 4.303, 2.776, 2.262], abs=5e-4)


def test_one_seed_has_no_deviation_and_none_no_mean() -> None:
    one, none = summarize([0.5]), summarize([])
    assert (one.mean, one.std, one.low, one.high) == (0.5, None, None, None)
    assert (none.n, none.mean) == (0, None)


@pytest.mark.parametrize("values", [[0.2, 0.9], [0.6, 0.6, 0.6], [0.1 + 0.2, 0.3, 0.3]])
def test_two_seeds_or_equal_ones_have_no_interval(values: list[float]) -> None:
    summary, difference = summarize(values), paired_difference(values)
    assert difference is not None
    assert (summary.low, summary.high, difference.low, difference.high) == (None,) * 4
    assert summary.std == pytest.approx(np.std(values, ddof=1))


@given(st.lists(st.floats(0, 1), min_size=3, max_size=6))
def test_intervals_of_scores_and_of_their_differences_are_possible_values(values: list[float]) -> None:
    summary, difference = summarize(values, (0, 1)), paired_difference([2 * value - 1 for value in values], (0, 1))
    assert difference is not None
    if summary.low is not None:
        assert summary.high is not None and summary.mean is not None
        assert 0 <= summary.low <= summary.mean <= summary.high <= 1
    if difference.low is not None:
        assert difference.high is not None
        assert -1 <= difference.low <= difference.mean <= difference.high <= 1


@pytest.mark.parametrize(
    ("metric", "low", "high"),
    [
        ("test/accuracy", 0, 1),
        ("test_vader_nyt/f1_macro", 0, 1),
        ("test/f1/loss", 0, 1),
        ("test/ece", 0, 1),
        ("language_model/share_on_class_words", 0, 1),
        ("test/loss", 0, math.inf),
        ("language_model/perplexity", 0, math.inf),
        ("cost/seconds", 0, math.inf),
        ("parameters/total", 0, math.inf),
        ("test/my_own", -math.inf, math.inf),
    ],
)
def test_each_metric_has_its_range(metric: str, low: float, high: float) -> None:
    assert metric_range(metric) == (low, high)


def test_holm_is_right_on_a_worked_example() -> None:
    """By hand: 0.01 x 4, 0.02 x 3 = 0.06, 0.03 x 2 = 0.06, and 0.04 x 1 may not be below those before it."""
    assert holm([0.01, 0.04, 0.03, 0.02]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("n", [6, 8, 10])
def test_p_is_the_share_of_all_signs_that_are_as_extreme(n: int) -> None:
    differences = np.random.default_rng(n).normal(0.02, 0.03, n).round(3)
    sums = np.array([np.dot(signs, differences) for signs in itertools.product((-1, 1), repeat=n)])
    share = np.mean(np.abs(sums) >= abs(differences.sum()) - 1e-12)
    assert float(sign_flip(differences)) == pytest.approx(share)


def test_darwin_s_maize_has_the_p_that_fisher_found() -> None:
    """The Design of Experiments (1935), section 21: 15 pairs, in eighths of an inch; 863 of 32,768 signs as extreme on
    one side, so 5.27% on both. 15 pairs are sampled here."""
    differences = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    sums = np.array(list(itertools.product((-1, 1), repeat=15))) @ np.array(differences)
    assert np.sum(sums >= sum(differences)) == 863
    result = paired_difference(differences)
    assert result is not None and not result.exact
    assert result.p == pytest.approx(2 * 863 / 2**15, abs=0.007)  # three standard errors of 9,999 draws


def test_so_few_pairs_that_no_p_is_below_a_twentieth_are_not_tested() -> None:
    assert FEWEST == 6 and not can_be_significant(5)
    assert [fewest_pairs(comparisons) for comparisons in (1, 2, 4, 10)] == [6, 7, 8, 9]
    few, more = paired_difference([0.1] * 5), paired_difference([0.1, 0.2, 0.1, 0.3, 0.2, 0.1])
    assert few is not None and few.p is None and few.mean == pytest.approx(0.1)
    assert more is not None and more.p == pytest.approx(2 / 2**6) and more.exact


def test_signs_are_tried_one_and_all_up_to_thirteen_pairs() -> None:
    assert is_exact(13) and not is_exact(14)


@pytest.mark.parametrize("n", [3, 5, 12])
def test_the_interval_of_a_difference_is_that_of_scipy_s_paired_t_test(n: int) -> None:
    first, second = np.random.default_rng(n).normal(0.6, 0.03, (2, n))
    difference = paired_difference(list(first - second), (0, 1))
    interval = stats.ttest_rel(first, second).confidence_interval()
    assert difference is not None
    assert [difference.low, difference.high] == pytest.approx([interval.low, interval.high])


def test_pairs_are_of_one_seed_and_split_and_splits_of_a_seed_are_one_difference() -> None:
    base = {(1, "a"): 0.5, (1, "b"): 0.7, (2, "a"): 0.4}
    values = {(1, "a"): 0.6, (1, "b"): 0.7, (2, "a"): 0.7, (3, "a"): 0.9}
    assert differences_by_seed(values, base) == pytest.approx([0.05, 0.3])


@pytest.mark.parametrize(
    ("metric", "more_is_better"),
    [
        ("test/accuracy", True),
        ("test_vader_nyt/f1_macro", True),
        ("test/loss", False),
        ("test/ece", False),
        ("language_model/perplexity", False),
        ("language_model/accuracy_after", True),
        ("cost/seconds", False),
        ("parameters/ever_trainable", False),
        ("cost/texts_from_store", True),
    ],
)
def test_the_better_of_two_values_is_told_by_the_metric(metric: str, more_is_better: bool) -> None:
    assert is_better(metric, 2.0, 1.0) is more_is_better


@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_interval_holds_the_true_mean_in_19_of_20_tables(n: int) -> None:
    """Of 2,000 simulated cells: within 93 and 97%, four standard errors (0.5%) about 95%."""
    draws = np.random.default_rng(n).normal(0.7, 0.02, (2000, n))
    covered = [summary.low <= 0.7 <= summary.high for summary in map(summarize, draws.tolist())]  # type: ignore[operator]
    assert 0.93 <= np.mean(covered) <= 0.97


@pytest.mark.parametrize(("pairs", "comparisons"), [(8, 2), pytest.param(10, 4, marks=pytest.mark.slow)])
def test_any_wrong_finding_in_a_table_without_differences_is_rare(pairs: int, comparisons: int) -> None:
    """Rows against one baseline that all have the same mean, 1,000 tables: p < 0.05 after Holm in at most 5% of them,
    and two standard errors of such a share (1.4%) more."""
    rng = np.random.default_rng(pairs)
    rows = rng.normal(0, 1, (1000, comparisons, pairs)) - rng.normal(0, 1, (1000, 1, pairs))
    significant = [min(holm(list(p_values))) < 0.05 for p_values in sign_flip(rows)]
    assert np.mean(significant) <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 1000)


def test_a_real_difference_is_found() -> None:
    """Or no false finding would be no merit: half a standard deviation a pair more, of 10 pairs."""
    rows = np.random.default_rng(0).normal(2.0, 1.0, (200, 1, 10))
    assert np.mean(sign_flip(rows) < 0.05) > 0.95
