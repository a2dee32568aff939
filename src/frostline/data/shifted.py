"""Shifted test sets: the test part of another data set with the same classes."""

from __future__ import annotations

from typing import cast

from frostline.data.copies import TextComparison
from frostline.data.corpus import Corpus, Shift, Split
from frostline.data.prepare import fingerprint
from frostline.errors import user_error


def shift(name: str, corpus: Corpus, other: Corpus, comparison: TextComparison | None = None) -> Shift:
    """Return the test part of `other` without the texts that are in the training set of `corpus`.

    comparison: how texts are compared; None: without case.

    Raises:
        UserError: the two data sets have different classes, or no text is left.
    """
    if set(corpus.classes) != set(other.classes):
        other_classes, classes = (", ".join(each.classes) for each in (other, corpus))
        do = "name data sets with the same classes, or map its labels in a file of your own"
        raise user_error("dataset.shifts", f"{name} has the classes {other_classes}, the data set has {classes}", do)
    if corpus.multi_label != other.multi_label:
        what = f"only one of {name} and the data set is multi-label"
        raise user_error("dataset.shifts", what, "name a data set of the same kind")
    comparison = comparison or TextComparison()
    trained_on = set(map(comparison.key, corpus.train.texts))
    remaining = [i for i, text in enumerate(other.test.texts) if comparison.key(text) not in trained_on]
    if not remaining:
        what = f"all {len(other.test)} test texts of {name} are in train"
        raise user_error("dataset.shifts", what, "name a data set with other texts")
    labels = cast(list[int], other.test.labels)  # equal names have equal indices: both are sorted
    origins = None if other.test.origins is None else [other.test.origins[i] for i in remaining]
    split = Split([other.test.texts[i] for i in remaining], [labels[i] for i in remaining], origins)
    return Shift(split, fingerprint(corpus.classes, [split]), len(other.test) - len(remaining))
