"""The rule by which a learning rate is chosen (frostline.results.selection), against numpy."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from frostline.results.selection import Candidate, best_candidate, candidates

SCORES = st.dictionaries(
    st.floats(1e-5, 1), st.lists(st.sampled_from([0.1, 0.25, 0.5, math.nan]), min_size=3, max_size=3), max_size=5
)


@given(SCORES)
def test_the_best_mean_is_chosen_and_the_smallest_of_equal_ones(scores: dict[float, list[float]]) -> None:
    by_seed = {f"optimizer.lr={rate!r}": dict(enumerate(values)) for rate, values in scores.items()}
    rates = [rate for rate, values in sorted(scores.items()) if np.isfinite(values).all()]
    for metric, argbest in (("val/f1_macro", np.argmax), ("val/loss", np.argmin)):
        best = rates[int(argbest([round(float(np.sum(scores[rate])), 9) for rate in rates]))] if rates else None
        assert best_candidate(metric, by_seed) == (None if best is None else f"optimizer.lr={best!r}")


def test_values_are_compared_over_the_seeds_that_all_have() -> None:
    scores = {0.1: {1: 0.2, 2: 0.4}, 0.01: {1: 0.3}}
    assert candidates(scores) == {0.1: Candidate(0.2, 1), 0.01: Candidate(0.3, 1)}
    assert best_candidate("val/f1_macro", scores) == 0.01
    assert best_candidate("val/f1_macro", {0.1: {1: 0.9}, 0.01: {2: 0.3}}) is None
    assert best_candidate("val/f1_macro", {"head.C=10": {1: 0.5}, "head.C=9": {1: 0.5}}) == "head.C=9"
    assert best_candidate("val/f1_macro", {"pooler=cls": {1: 0.5}, "pooler=mean": {1: 0.5}}) == "pooler=cls"
