"""The choice of labelled texts as demonstrations in a prompt."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence


def sample_round_robin(labels: Sequence[int], count: int, seed: int) -> list[int]:
    """Sample `count` rows in random order: one row of each class, then a second one of each class, and so on."""
    rng = random.Random(seed)
    rows = list(range(len(labels)))
    rng.shuffle(rows)
    per_class: Counter[int] = Counter()
    rounds = {}
    for row in rows:
        rounds[row] = per_class[labels[row]]
        per_class[labels[row]] += 1
    chosen = sorted(rows, key=rounds.__getitem__)[:count]
    rng.shuffle(chosen)
    return chosen
