"""Which of two values of a metric is the better one."""

SMALLER_IS_BETTER = ("loss", "ece", "perplexity", "pseudo_perplexity")
SPENT = ("cost", "parameters")  # of these less is better, whatever it is
SPARED = "cost/texts_from_store"


def better(metric: str, new: float, old: float) -> bool:
    part, _, name = metric.rpartition("/")
    smaller = name in SMALLER_IS_BETTER or (part in SPENT and metric != SPARED)
    return new < old if smaller else new > old
