"""Labels of both kinds: one class a text, or a set of classes (multi-label)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from frostline.types import Label, Labelled


def names(label: Label) -> tuple[str, ...]:
    """The class names in a label."""
    return (label,) if isinstance(label, str) else label


def counts(labels: Iterable[Label]) -> Counter[str]:
    """How many texts each class has."""
    return Counter(name for label in labels for name in names(label))


def is_multi(part: Labelled) -> bool:
    return any(not isinstance(label, str) for label in part.labels)


def strata(part: Labelled) -> list[str]:
    """What each text stands for in stratified choices: its class, or of several the one that is rarest in the part.

    Rare classes are shared out exactly so, and frequent ones nearly, as within a stratum each set of classes is spread
    evenly. Nothing depends on the order of rows, as iterative stratification (Sechidis et al. 2011) would.
    """
    total = counts(part.labels)
    return [min(names(label), key=lambda name: (total[name], name), default="") for label in part.labels]
