"""Which labelled texts are shown as examples."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence


def in_turn(labels: Sequence[int], count: int, seed: int) -> list[int]:
    """Rows, drawn with the seed: of each class one, then of each a second one, and so on; in an order of chance."""
    chance = random.Random(seed)
    rows = list(range(len(labels)))
    chance.shuffle(rows)
    before: Counter[int] = Counter()  # of the same class
    turns = {}
    for row in rows:
        turns[row] = before[labels[row]]
        before[labels[row]] += 1
    chosen = sorted(rows, key=turns.__getitem__)[:count]
    chance.shuffle(chosen)
    return chosen
