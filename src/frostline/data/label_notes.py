"""Notes on the labels of a data set: scores, classes with few texts, and classes that a part lacks."""

from __future__ import annotations

from collections.abc import Sequence

from frostline.data.checks import look_like_scores, some
from frostline.data.corpus import DataNote, Labelled
from frostline.data.labels import counts

MANY_CLASSES, FEW_TEXTS = 10, 5  # a class with fewer texts has few


def label_notes(train: Labelled, classes: Sequence[str]) -> list[DataNote]:
    """Return notes on labels that seem to be scores, and on many classes with few texts, in all texts for training."""
    notes = []
    if scores := look_like_scores(classes):
        what = f"the labels seem to be scores: {scores}, each of which is a class without an order"
        notes.append(
            DataNote("scores", len(classes), f"{what}; this is a regression, or give ranges of scores as labels")
        )
    of_class = counts(train.labels)
    few = sorted((count, name) for name, count in of_class.items() if count < FEW_TEXTS)
    if len(of_class) >= MANY_CLASSES and len(few) > len(of_class) / 2:
        what = f"{len(few)} of {len(of_class)} classes have fewer than {FEW_TEXTS} texts for training"
        shown = some([f"{name!r} ({count})" for count, name in few], quote=False)
        notes.append(DataNote("few_texts", len(few), f"{what}: {shown}"))
    return notes


def absent_classes(classes: Sequence[str], **parts: Labelled) -> list[DataNote]:
    """Return a note for each part that has no text of some classes."""
    notes = []
    for name, part in parts.items():
        known = counts(part.labels)
        if absent := [each for each in classes if each not in known]:
            what = f"{name} has no text of {len(absent)} of {len(classes)} classes: {some(absent)}"
            notes.append(DataNote(f"absent_in_{name}", len(absent), what))
    return notes
