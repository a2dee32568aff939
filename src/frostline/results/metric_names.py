"""The names of all metrics, in which direction each improves, and which values each may have.

A metric is named `<part>/<name>`: `val/loss`, `test_reviews/f1_macro`, `cost/seconds`. The F1 of one class is
`<part>/f1/<class>`; all that follows `f1/` is the name of the class, which never determines a direction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

Direction = Literal["maximize", "minimize"]
T = TypeVar("T")

SCORES: dict[str, Direction] = {  # of a split, as in val/accuracy
    "loss": "minimize",
    "accuracy": "maximize",
    "f1_macro": "maximize",
    "f1_micro": "maximize",
    "ece": "minimize",
}
MULTI_LABEL_SCORES = ("f1_micro",)  # of texts with one class each it equals the accuracy
CLASS_F1 = "f1/"  # followed by the name of a class
MAX_CLASSES = 200  # with more, neither the F1 of each class nor the full confusion matrix is recorded
MEASUREMENTS: dict[str, dict[str, Direction]] = {
    "parameters": {"total": "minimize", "trainable": "minimize", "ever_trainable": "minimize", "solved": "minimize"},
    "cost": {
        "seconds": "minimize",
        "seconds_fit": "minimize",
        "steps": "minimize",
        "texts_read": "minimize",
        "texts_encoded": "minimize",
        "texts_from_store": "maximize",
        "peak_memory_bytes": "minimize",
    },
}
HEAD_RECORDS: dict[str, dict[str, Direction]] = {  # entries of result.json that a head adds
    "language_model": {
        "perplexity": "minimize",
        "pseudo_perplexity": "minimize",
        "share_on_class_words": "maximize",
        "accuracy_before": "maximize",
        "accuracy_after": "maximize",
    },
}
DEFAULT_MONITOR = "val/f1_macro"
# The ranges of values, without that of the F1 of a class: from 0 to 1, and from 0 up; all others may be negative.
SHARES = ("accuracy", "accuracy_before", "accuracy_after", "share_on_class_words", "f1_macro", "f1_micro", "ece")
NOT_NEGATIVE = ("loss", "perplexity", "pseudo_perplexity")


def metric_direction(metric: str) -> Direction | None:
    """Return the direction in which `metric`, such as val/loss or cost/seconds, improves.

    None for a metric that is not in the tables above: of its values none is better than another.
    """
    part, _, name = metric.partition("/")
    if part in MEASUREMENTS or part in HEAD_RECORDS:
        return {**MEASUREMENTS, **HEAD_RECORDS}[part].get(name)
    if not is_split(part):
        return None
    is_of_class = name.startswith(CLASS_F1) and name != CLASS_F1
    return "maximize" if is_of_class else SCORES.get(name.rpartition("/")[2])  # <task>/<score> in a run with tasks


def is_split(part: str) -> bool:
    """Return whether the first part of a metric's name is a split: val, test, or test_<name> of a shifted test set."""
    return part in ("val", "test") or part.startswith("test_")


def class_f1(classes: Sequence[str], values: Sequence[T]) -> dict[str, T]:
    """Return the F1 of each class by its name as a metric, without the split; of too many classes none."""
    if len(classes) > MAX_CLASSES:
        return {}
    return {f"{CLASS_F1}{name}": value for name, value in zip(classes, values, strict=True)}


def is_better(metric: str, new: float, old: float) -> bool:
    """Return whether `new` is a better value of `metric` than `old`.

    A value that is not finite is never better, and any finite value is better than it.
    """
    direction = metric_direction(metric)
    if direction is None or not math.isfinite(new):
        return False
    if not math.isfinite(old):
        return True
    return new < old if direction == "minimize" else new > old


def not_finite(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics that are nan or infinite."""
    return {name: value for name, value in metrics.items() if not math.isfinite(value)}


def metric_range(metric: str) -> tuple[float, float]:
    """Return the smallest and the largest value that `metric`, such as test/f1_macro or cost/seconds, may have."""
    group, _, name = metric.partition("/")
    if name.startswith(CLASS_F1):
        return 0.0, 1.0
    name = name.rpartition("/")[2]
    if name in SHARES:
        return 0.0, 1.0
    if group in MEASUREMENTS or name in NOT_NEGATIVE:
        return 0.0, math.inf
    return -math.inf, math.inf
