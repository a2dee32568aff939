"""Checks of labelled texts from any source: problems, all of them at once, and notes on what is unusual."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from frostline.data.corpus import DataNote, Labelled, RawData, counts
from frostline.data.label_names import is_number_name, sorted_names
from frostline.errors import Problem

SHOWN = 5  # values in a message
MANY, MANY_INTEGERS = 10, 20  # from so many different numbers on, labels seem to be scores
MANY_CLASSES, FEW_TEXTS = 10, 5  # a class with fewer texts has few


def label_problems(raw: RawData) -> list[Problem]:
    """Return the problems of the labels: every part must have classes of train, and enough texts of each."""
    if not raw.train.labels:
        return [Problem("dataset.train", "it has no texts", "give at least two texts of each class")]
    return [*_single_class(raw.train), *_unknown_labels(raw), *(_identifiers(raw) or _rare_labels(raw))]


def _single_class(train: Labelled) -> list[Problem]:
    classes = set(counts(train.labels))
    if len(classes) > 1:
        return []
    what = f"all {len(train.labels)} texts have the label {next(iter(classes))!r}" if classes else "no text has a label"
    return [Problem("dataset.train", what, "a classifier needs two classes or more: correct dataset.label_column")]


def _unknown_labels(raw: RawData) -> list[Problem]:
    known, problems = counts(raw.train.labels).keys(), []
    for name, part in (("val", raw.val), ("test", raw.test)):
        if unknown := sorted(counts(part.labels).keys() - known if part else ()):
            what = f"it has labels that train lacks: {some(unknown)}"
            problems.append(Problem(f"dataset.{name}", what, "add such texts to train or remove them here"))
    return problems


def _identifiers(raw: RawData) -> list[Problem]:
    """Return a problem if the labels are nearly as many as the texts of all parts, so that no class can be learned."""
    of_class = sum((counts(part.labels) for part in raw.given().values()), Counter[str]())
    texts = sum(len(part.labels) for part in raw.given().values())
    single = sorted(name for name, count in of_class.items() if count == 1)
    if len(of_class) < MANY or 2 * len(of_class) <= texts or 2 * len(single) <= len(of_class):
        return []
    kind = "scores, which need a regression" if look_like_scores(of_class) else "identifiers, scores or texts"
    what = f"{len(of_class)} labels for {texts} texts, of which {len(single)} occur once: {some(single)}"
    do = f"name a column with classes; these labels seem to be {kind}"
    return [Problem("dataset.label_column", what, do)]


def look_like_scores(names: Collection[str]) -> str | None:
    """Return a description of class names that are many numbers; None for other names."""
    if not all(map(is_number_name, names)) or len(names) < MANY:
        return None
    ordered = sorted_names(names)
    if len(names) < MANY_INTEGERS and all("." not in name for name in names):
        return None
    return f"{len(names)} different numbers from {ordered[0]} to {ordered[-1]}"


def _rare_labels(raw: RawData) -> list[Problem]:
    """Return the labels with fewer texts than parts; with a given test part, val may lack the rarest classes."""
    if raw.test is not None:
        return []
    parts = ["train"] + [name for name, part in (("val", raw.val), ("test", raw.test)) if part is None]
    rare = {name: count for name, count in sorted(counts(raw.train.labels).items()) if count < len(parts)}
    if not rare:
        return []
    shown = some([f"{name!r} ({count})" for name, count in rare.items()], quote=False)
    if scores := look_like_scores(counts(raw.train.labels)):
        shown += f"; the labels seem to be scores, {scores}"
    what = f"too few texts for {', '.join(parts)}, each of which needs one: {shown}"
    return [Problem("dataset.train", what, "add texts, remove these labels, or give the other parts as files")]


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


def counted(count: int, noun: str) -> str:
    """Format a number with its noun, such as `1 row` or `2,000 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def some(values: Sequence[object], quote: bool = True) -> str:
    """Format the first few values, and the number of the others."""
    shown = [repr(value) if quote else str(value) for value in values[:SHOWN]]
    more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return ", ".join(shown) + more
