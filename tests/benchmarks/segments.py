"""Short pieces of an epoch that cost what the whole epoch costs.

The time of a step follows from the tokens it reads, padding included. A piece takes every k-th batch of an epoch whose
batches are sorted by that number, so that few steps have the mean of all; each round begins at another offset.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Batches = list[NDArray[np.int64]]


def shuffled(texts: int, size: int, seed: int) -> Batches:
    """The full batches of an epoch in random order, as a plain DataLoader makes them."""
    order = np.random.default_rng(seed).permutation(texts)
    return [order[i : i + size] for i in range(0, texts - size + 1, size)]


def bucketed(lengths: NDArray[np.int64], size: int, seed: int, pool: int = 50) -> Batches:
    """The same, with the texts sorted by length within pools of batches; written here, not Frostline's own."""
    order = np.random.default_rng(seed).permutation(len(lengths))
    pools = [order[i : i + size * pool] for i in range(0, len(order), size * pool)]
    by_length = [p[np.argsort(lengths[p], kind="stable")] for p in pools]
    return [p[i : i + size] for p in by_length for i in range(0, len(p) - size + 1, size)]


def piece(
    epoch: Sequence[NDArray[np.int64]], lengths: NDArray[np.int64], steps: int, warmup: int, seed: int
) -> Batches:
    """`warmup` batches that are not timed, then `steps` that stand for the epoch."""
    chance = np.random.default_rng(seed)
    full = [batch for batch in epoch if len(batch) == len(epoch[0])]
    by_cost = sorted(full, key=lambda batch: int(lengths[batch].max()))
    places = (np.arange(steps) + chance.random()) * len(full) / steps
    chosen = [by_cost[int(i)] for i in chance.permutation(places)]
    return [by_cost[int(i)] for i in chance.choice(len(full), warmup)] + chosen


def padding(epoch: Sequence[NDArray[np.int64]], lengths: NDArray[np.int64]) -> float:
    """The share of an epoch's tokens that only fill up rows."""
    read = sum(len(batch) * int(lengths[batch].max()) for batch in epoch)
    return 1 - sum(int(lengths[batch].sum()) for batch in epoch) / read
