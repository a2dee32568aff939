"""Stratified cross-validation: every text is held out in exactly one fold."""

from __future__ import annotations

from collections import Counter, defaultdict

from frostline.data.checks import some
from frostline.data.corpus import Labelled, counts, names, strata
from frostline.data.splits import random_key, take
from frostline.errors import Problem, user_error


def fold_problems(folds: int | None, fold: int | None) -> list[Problem]:
    """Return the problems of the two keys, before any text is read."""
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
    """Return the rest and the fold. The folds have equally many texts of every label, to within one.

    Groups are never split; with groups or multi-label data the folds are as equal as these allow.

    Raises:
        UserError: a label has too few texts, or is in too few groups, to be on both sides.
    """
    few = {label: count for label, count in sorted(counts(part.labels).items()) if count < folds}
    if few:
        shown = some([f"{label!r} ({count})" for label, count in few.items()], quote=False)
        do = f"choose at most {max(2, min(few.values()))}, add texts, or remove these labels"
        raise user_error("dataset.folds", f"{folds} folds, but these labels have fewer texts: {shown}", do)
    assigned = _folds_of_texts(part, folds, seed) if part.groups is None else _folds_of_groups(part, folds, seed)
    rest = take(part, [i for i, number in enumerate(assigned) if number != fold])
    held_out = take(part, [i for i, number in enumerate(assigned) if number == fold])
    if lost := sorted(counts(part.labels).keys() - (counts(rest.labels).keys() & counts(held_out.labels).keys())):
        what = f"{folds} folds do not leave the label {lost[0]!r} on both sides of fold {fold}"
        raise user_error("dataset.folds", what, "choose fewer folds or another dataset.split_seed, or add texts of it")
    return rest, held_out


def _folds_of_texts(part: Labelled, folds: int, seed: int) -> list[int]:
    """Return the fold of each text: texts are assigned in turn, label by label, in a random order."""
    rows = zip(part.texts, strata(part), part.labels, strict=True)
    keys = [(stratum, names(label), random_key(text, seed)) for text, stratum, label in rows]
    assigned = [0] * len(keys)
    for position, index in enumerate(sorted(range(len(keys)), key=keys.__getitem__)):
        assigned[index] = position % folds
    return assigned


def _folds_of_groups(part: Labelled, folds: int, seed: int) -> list[int]:
    """Return the fold of each text: large groups first, each to the fold that has the fewest of its labels so far."""
    groups, labels = part.groups or (), strata(part)
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    for group, label in zip(groups, labels, strict=True):
        sizes[group][label] += 1
    total, in_fold = Counter(labels), [Counter[str]() for _ in range(folds)]
    assigned: dict[str, int] = {}
    for group in sorted(sizes, key=lambda name: (-sizes[name].total(), random_key(name, seed), name)):
        added = sizes[group]
        best = min(range(folds), key=lambda f: (_imbalance(in_fold[f], added, total), in_fold[f].total(), f))
        in_fold[best] += added
        assigned[group] = best
    return [assigned[group] for group in groups]


def _imbalance(present: Counter[str], added: Counter[str], total: Counter[str]) -> float:
    """Return by how much the squared shares of the labels grow when `added` joins `present`."""
    return sum(((present[label] + count) ** 2 - present[label] ** 2) / total[label] for label, count in added.items())
