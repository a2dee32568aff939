"""Cross-validation: every text is held out in exactly one fold, each fold has the whole's label shares."""

from __future__ import annotations

from collections import Counter, defaultdict

from frostline.data.checks import some
from frostline.data.labels import counts, names, strata
from frostline.data.splits import lot, take
from frostline.errors import Problem, user_error
from frostline.types import Labelled


def fold_problems(folds: int | None, fold: int | None) -> list[Problem]:
    """What can be told of the two keys before any text is read."""
    if folds is None:
        what, do = f"{fold}, but dataset.folds is null", "give dataset.folds too, or leave dataset.fold out"
        return [] if fold is None else [Problem("dataset.fold", what, do)]
    if folds < 2:
        return [Problem("dataset.folds", f"{folds} would hold out all texts at once", "give 2 or more")]
    if fold is None:
        do = f"give 0 to {folds - 1}, or sweep over all: -m dataset.fold=range(0,{folds})"
        return [Problem("dataset.fold", f"is missing beside dataset.folds={folds}", do)]
    if fold >= folds:
        what = f"{fold} is beyond the {folds} folds, which count from 0"
        return [Problem("dataset.fold", what, f"give 0 to {folds - 1}")]
    return []


def hold_out(part: Labelled, folds: int, fold: int, seed: int) -> tuple[Labelled, Labelled]:
    """(rest, fold). Of every label and of all texts the folds have equally many to within one, as far as groups
    that stay whole and texts of several labels allow.

    Raises:
        UserError: a label has too few texts, or stands in too few groups, to be on both sides.
    """
    few = {label: count for label, count in sorted(counts(part.labels).items()) if count < folds}
    if few:
        shown = some([f"{label!r} ({count})" for label, count in few.items()], quote=False)
        do = f"choose at most {max(2, min(few.values()))}, add texts, or remove these labels"
        raise user_error("dataset.folds", f"{folds} folds, but these labels have fewer texts: {shown}", do)
    places = _of_texts(part, folds, seed) if part.groups is None else _of_groups(part, folds, seed)
    rest = take(part, [i for i, place in enumerate(places) if place != fold])
    held = take(part, [i for i, place in enumerate(places) if place == fold])
    if lost := sorted(counts(part.labels).keys() - (counts(rest.labels).keys() & counts(held.labels).keys())):
        what = f"{folds} folds do not leave the label {lost[0]!r} on both sides of fold {fold}"
        raise user_error("dataset.folds", what, "choose fewer folds or another dataset.split_seed, or add texts of it")
    return rest, held


def _of_texts(part: Labelled, folds: int, seed: int) -> list[int]:
    """Each text's fold: dealt out like cards, label after label, in a drawn order."""
    rows = zip(part.texts, strata(part), part.labels, strict=True)
    keys = [(stratum, names(label), lot(text, seed)) for text, stratum, label in rows]
    places = [0] * len(keys)
    for position, index in enumerate(sorted(range(len(keys)), key=keys.__getitem__)):
        places[index] = position % folds
    return places


def _of_groups(part: Labelled, folds: int, seed: int) -> list[int]:
    """Each text's fold: large groups first, each to the fold that has least of its labels so far."""
    groups, labels = part.groups or (), strata(part)
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    for group, label in zip(groups, labels, strict=True):
        sizes[group][label] += 1
    total, held = Counter(labels), [Counter[str]() for _ in range(folds)]
    place: dict[str, int] = {}
    for group in sorted(sizes, key=lambda name: (-sizes[name].total(), lot(name, seed), name)):
        own = sizes[group]
        best = min(range(folds), key=lambda f: (_crowding(held[f], own, total), held[f].total(), f))
        held[best] += own
        place[group] = best
    return [place[group] for group in groups]


def _crowding(held: Counter[str], own: Counter[str], total: Counter[str]) -> float:
    """By how much the squared shares of the labels grow when `own` joins `held`."""
    return sum(((held[label] + count) ** 2 - held[label] ** 2) / total[label] for label, count in own.items())
