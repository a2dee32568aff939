"""Which of two values of a metric is the better one."""

SMALLER_IS_BETTER = ("loss", "ece")


def better(metric: str, new: float, old: float) -> bool:
    return new < old if metric.rpartition("/")[2] in SMALLER_IS_BETTER else new > old
