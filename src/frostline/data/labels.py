"""Labels of both kinds: one class for each text, or a set of classes (multi-label)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from frostline.data.corpus import Label, Labelled


def names(label: Label) -> tuple[str, ...]:
    """Return the class names in a label."""
    return (label,) if isinstance(label, str) else label


def counts(labels: Iterable[Label]) -> Counter[str]:
    """Count the texts of each class."""
    of_name: Counter[str] = Counter()
    for label, count in Counter(labels).items():
        for name in names(label):
            of_name[name] += count
    return of_name


def is_multi(part: Labelled) -> bool:
    """Return whether the labels are sets of classes."""
    return any(not isinstance(label, str) for label in part.labels)


def strata(part: Labelled) -> list[str]:
    """Return the stratum of each text: its class, or, if it has several, the one that is rarest in the part.

    Rare classes are thus divided exactly, and frequent ones nearly, because within a stratum each set of classes is
    distributed evenly. Unlike iterative stratification (Sechidis et al. 2011), the result does not depend on the order
    of rows.
    """
    total = counts(part.labels)
    return [min(names(label), key=lambda name: (total[name], name), default="") for label in part.labels]
