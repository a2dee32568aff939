"""Few-shot subsets: a few texts of each class."""

from __future__ import annotations

from collections import defaultdict

from frostline.data.checks import some
from frostline.data.corpus import Labelled, counts, names
from frostline.data.splits import random_key, take
from frostline.errors import user_error


def few_shot_subset(part: Labelled, shots: int, seed: int) -> Labelled:
    """Return the first ``shots`` texts of each class in a random order, so that smaller subsets are nested in larger.

    In multi-label data, a text that is sampled for one of its classes is not counted for the others.

    Raises:
        UserError: a class has fewer texts.
    """
    if short := {label: count for label, count in sorted(counts(part.labels).items()) if count < shots}:
        shown = some([f"{label!r} ({count})" for label, count in short.items()], quote=False)
        do = f"choose at most {min(short.values())}, or lower dataset.val_share and dataset.test_share"
        raise user_error("dataset.shots", f"{shots} texts a class, but train has fewer of: {shown}", do)
    members: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for index, (text, label) in enumerate(zip(part.texts, part.labels, strict=True)):
        for name in names(label):
            members[name].append((random_key(text, f"shots {seed}"), index))
    return take(part, sorted({index for indices in members.values() for _, index in sorted(indices)[:shots]}))
