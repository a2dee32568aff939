"""Wrong labels on purpose, to see what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from frostline.data.labels import names
from frostline.data.splits import lot, stratified_order
from frostline.types import Label, Labelled


def noisy(part: Labelled, share: float | None, classes: Sequence[str], seed: int) -> tuple[Labelled, int]:
    """(part, how many labels changed): a stratified share of the texts gets one of the other classes, all alike.

    A larger share changes what a smaller one changes, and in the same way. Of a text with several classes one is
    exchanged for one that it does not have; texts with none or all of them are left as they are.
    """
    able = [i for i in stratified_order(part, f"noise {seed}") if 0 < len(names(part.labels[i])) < len(classes)]
    changed = able[: round((share or 0) * len(part.texts))]
    labels = list(part.labels)
    for index in changed:
        labels[index] = _other(labels[index], classes, lot(part.texts[index], f"class {seed}"))
    return replace(part, labels=labels), len(changed)


def _other(label: Label, classes: Sequence[str], drawn: str) -> Label:
    own, number = names(label), int(drawn, 16)
    others = [name for name in classes if name not in own]
    new = others[number % len(others)]
    if isinstance(label, str):
        return new
    gone = own[number // len(others) % len(own)]
    return tuple(sorted({*own, new} - {gone}))
