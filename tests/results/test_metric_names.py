"""A direction follows from the table of metrics, never from the name of a class; only finite values count."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.results.metric_names import HEAD_RECORDS, MEASUREMENTS, SCORES, is_better, metric_direction

METRIC_NAMES = [
    *SCORES,
    *(name for table in (MEASUREMENTS, HEAD_RECORDS) for names in table.values() for name in names),
]
CLASS_NAMES = st.sampled_from([*METRIC_NAMES, "val/loss", "f1/loss", "a/loss", "cost/seconds", "/loss"]) | st.text(
    min_size=1
)
SPLITS = st.sampled_from(["val", "test", "test_vader_nyt", "test_loss"])
VALUES = st.floats(allow_nan=True, allow_infinity=True)


@given(SPLITS, CLASS_NAMES)
def test_the_f1_of_a_class_is_maximized_whatever_its_name_is(split: str, name: str) -> None:
    assert metric_direction(f"{split}/f1/{name}") == "maximize"


@pytest.mark.parametrize("metric", ["val/los", "loss", "val/", "val/f1/", "cost/loss", "mine/loss", "f1/loss", ""])
def test_a_metric_that_is_not_in_the_table_has_no_direction(metric: str) -> None:
    assert metric_direction(metric) is None
    assert not is_better(metric, 1.0, 2.0) and not is_better(metric, 2.0, 1.0)


@given(st.sampled_from(["val/loss", "val/accuracy", "val/f1/loss"]), VALUES, VALUES)
def test_only_finite_values_are_better(metric: str, new: float, old: float) -> None:
    if not math.isfinite(new):
        expected = False
    elif not math.isfinite(old):
        expected = True
    else:
        expected = new < old if metric == "val/loss" else new > old
    assert is_better(metric, new, old) is expected
