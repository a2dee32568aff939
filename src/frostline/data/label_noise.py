"""Label noise: a share of the training labels is replaced by wrong ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from frostline.data.corpus import Label, Labelled, names
from frostline.data.splits import random_key, stratified_order


def with_label_noise(part: Labelled, share: float, classes: Sequence[str], seed: int) -> tuple[Labelled, int]:
    """Replace the labels of a stratified share of the texts by another class, uniformly; return the number changed.

    A larger share makes the changes of a smaller one and further ones. In multi-label data, one class of a text is
    exchanged for one that it does not have; texts with no class or all classes are not changed.
    """
    eligible = [i for i in stratified_order(part, f"noise {seed}") if 0 < len(names(part.labels[i])) < len(classes)]
    changed = eligible[: round(share * len(part.texts))]
    labels = list(part.labels)
    for index in changed:
        labels[index] = _wrong_label(labels[index], classes, random_key(part.texts[index], f"class {seed}"))
    return replace(part, labels=labels), len(changed)


def _wrong_label(label: Label, classes: Sequence[str], key: str) -> Label:
    present, number = names(label), int(key, 16)
    others = [name for name in classes if name not in present]
    new = others[number % len(others)]
    if isinstance(label, str):
        return new
    removed = present[number // len(others) % len(present)]
    return tuple(sorted({*present, new} - {removed}))
