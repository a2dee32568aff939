"""Wrong labels on purpose, to see what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from frostline.data.splits import lot, stratified_order
from frostline.types import Labelled


def noisy(part: Labelled, share: float | None, classes: Sequence[str], seed: int) -> tuple[Labelled, int]:
    """(part, how many labels changed): a stratified share of the texts gets one of the other classes, all alike.

    A larger share changes what a smaller one changes, and in the same way.
    """
    changed = stratified_order(part, f"noise {seed}")[: round((share or 0) * len(part.texts))]
    labels = list(part.labels)
    for index in changed:
        others = [name for name in classes if name != labels[index]]
        labels[index] = others[int(lot(part.texts[index], f"class {seed}"), 16) % len(others)]
    return replace(part, labels=labels), len(changed)
