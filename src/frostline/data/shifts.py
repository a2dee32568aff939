"""Another data set's test part as a further test set: the same classes, other texts."""

from __future__ import annotations

from frostline.data.prepare import fingerprint
from frostline.data.splits import normalised
from frostline.errors import wrong
from frostline.types import Corpus, Shift, Split


def shift(name: str, home: Corpus, other: Corpus) -> Shift:
    """The test part of `other` less the texts that `home` learns from, with `home`'s class numbers.

    Raises:
        UserError: the two data sets have different classes, or no text is left.
    """
    if set(home.classes) != set(other.classes):
        theirs, ours = (", ".join(each.classes) for each in (other, home))
        do = "name data sets with the same classes, or map its labels in a file of your own"
        raise wrong("dataset.shifts", f"{name} has the classes {theirs}, the home data set has {ours}", do)
    learned = set(map(normalised, home.train.texts))
    pairs = zip(other.test.texts, other.test.labels, strict=True)
    kept = [
        (text, home.classes.index(other.classes[label])) for text, label in pairs if normalised(text) not in learned
    ]
    if not kept:
        what = f"all {len(other.test)} test texts of {name} stand in train"
        raise wrong("dataset.shifts", what, "name a data set with other texts")
    split = Split([text for text, _ in kept], [label for _, label in kept])
    return Shift(split, fingerprint(home.classes, [split]), len(other.test) - len(kept))
