"""Another data set's test part as a further test set: the same classes, other texts."""

from __future__ import annotations

from typing import cast

from frostline.data.prepare import fingerprint
from frostline.data.splits import normalised
from frostline.errors import user_error
from frostline.types import Corpus, Shift, Split


def shift(name: str, home: Corpus, other: Corpus) -> Shift:
    """The test part of `other` less the texts that `home` learns from.

    Raises:
        UserError: the two data sets have different classes, or no text is left.
    """
    if set(home.classes) != set(other.classes):
        theirs, ours = (", ".join(each.classes) for each in (other, home))
        do = "name data sets with the same classes, or map its labels in a file of your own"
        raise user_error("dataset.shifts", f"{name} has the classes {theirs}, the home data set has {ours}", do)
    if home.multi_label != other.multi_label:
        what = f"of {name} and the home data set one alone has texts of several classes"
        raise user_error("dataset.shifts", what, "name a data set of the same kind")
    learned = set(map(normalised, home.train.texts))
    kept = [i for i, text in enumerate(other.test.texts) if normalised(text) not in learned]
    if not kept:
        what = f"all {len(other.test)} test texts of {name} stand in train"
        raise user_error("dataset.shifts", what, "name a data set with other texts")
    labels = cast(list[int], other.test.labels)  # equal names have equal numbers: both are sorted
    split = Split([other.test.texts[i] for i in kept], [labels[i] for i in kept])
    return Shift(split, fingerprint(home.classes, [split]), len(other.test) - len(kept))
