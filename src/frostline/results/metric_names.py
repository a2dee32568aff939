"""The names of metrics in result.json, in which direction each improves, and which values each may have."""

import math

SCORES = ("loss", "accuracy", "f1_macro", "f1_micro", "ece")  # of a split, as in val/accuracy
CLASS_F1 = "f1/"  # followed by the name of a class
MEASUREMENTS = {
    "parameters": ("total", "trainable", "ever_trainable"),
    "cost": ("seconds", "seconds_fit", "texts_read", "texts_encoded", "texts_from_store", "peak_memory_bytes"),
}
DEFAULT_MONITOR = "val/f1_macro"
LOWER_IS_BETTER = ("loss", "ece", "perplexity", "pseudo_perplexity")
SHARES = ("accuracy", "accuracy_before", "accuracy_after", "share_on_class_words", "f1_macro", "f1_micro", "ece")
NOT_NEGATIVE = ("loss", "perplexity", "pseudo_perplexity")
CACHE_HITS = "cost/texts_from_store"  # the one measurement of which more is better


def lower_is_better(metric: str) -> bool:
    """Return whether a lower value of `metric`, such as val/loss or cost/seconds, is the better one."""
    group, _, name = metric.rpartition("/")
    return name in LOWER_IS_BETTER or (group in MEASUREMENTS and metric != CACHE_HITS)


def is_better(metric: str, new: float, old: float) -> bool:
    """Return whether `new` is a better value of `metric` than `old`."""
    return new < old if lower_is_better(metric) else new > old


def metric_range(metric: str) -> tuple[float, float]:
    """Return the smallest and the largest value that `metric`, such as test/f1_macro or cost/seconds, may have."""
    group, _, name = metric.partition("/")
    if name in SHARES or name.startswith(CLASS_F1):
        return 0.0, 1.0
    if group in MEASUREMENTS or name in NOT_NEGATIVE:
        return 0.0, math.inf
    return -math.inf, math.inf
