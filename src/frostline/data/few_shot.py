"""Few texts a class, as few-shot studies draw them."""

from __future__ import annotations

from collections import defaultdict

from frostline.data.checks import some
from frostline.data.labels import counts, names
from frostline.data.splits import lot, take
from frostline.errors import user_error
from frostline.types import Labelled


def few(part: Labelled, shots: int | None, seed: int) -> Labelled:
    """Of each class the first ``shots`` texts in an order drawn with the seed: more shots keep what fewer keep.

    Where texts have several classes, a text that is drawn for one counts for its others beyond their shots.

    Raises:
        UserError: a class has fewer texts.
    """
    if shots is None:
        return part
    if short := {label: count for label, count in sorted(counts(part.labels).items()) if count < shots}:
        shown = some([f"{label!r} ({count})" for label, count in short.items()], quote=False)
        do = f"choose at most {min(short.values())}, or lower dataset.val_share and dataset.test_share"
        raise user_error("dataset.shots", f"{shots} texts a class, but train has fewer of: {shown}", do)
    members: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for index, (text, label) in enumerate(zip(part.texts, part.labels, strict=True)):
        for name in names(label):
            members[name].append((lot(text, f"shots {seed}"), index))
    return take(part, sorted({index for own in members.values() for _, index in sorted(own)[:shots]}))
