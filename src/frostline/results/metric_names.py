"""The names of metrics in result.json, and in which direction each improves."""

SCORES = ("loss", "accuracy", "f1_macro", "f1_micro", "ece")  # of a split, as in val/accuracy
CLASS_F1 = "f1/"  # followed by the name of a class
MEASUREMENTS = {
    "parameters": ("total", "trainable", "ever_trainable"),
    "cost": ("seconds", "seconds_fit", "texts_read", "texts_encoded", "texts_from_store", "peak_memory_bytes"),
}
DEFAULT_MONITOR = "val/f1_macro"
LOWER_IS_BETTER = ("loss", "ece", "perplexity", "pseudo_perplexity")
CACHE_HITS = "cost/texts_from_store"  # the one measurement of which more is better


def lower_is_better(metric: str) -> bool:
    """Return whether a lower value of `metric`, such as val/loss or cost/seconds, is the better one."""
    group, _, name = metric.rpartition("/")
    return name in LOWER_IS_BETTER or (group in MEASUREMENTS and metric != CACHE_HITS)


def is_better(metric: str, new: float, old: float) -> bool:
    """Return whether `new` is a better value of `metric` than `old`."""
    return new < old if lower_is_better(metric) else new > old
