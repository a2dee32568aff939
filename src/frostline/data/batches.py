"""Length-bucketed batch sampling: a function of seed and epoch alone, with the batches sharded among ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
POOL = 64  # batches whose texts are sorted by length together: almost no padding, and batches are still random


def training_order(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> list[Indices]:
    """Return the batches of one epoch: texts are shuffled, sorted by length within pools, and the batches shuffled.

    Every text is in exactly one batch; at most one batch is smaller than `batch_size`.
    """
    rng = np.random.default_rng([seed, epoch])
    shuffled = rng.permutation(len(lengths))
    sizes = np.asarray(lengths)
    batches: list[Indices] = []
    for start in range(0, len(shuffled), batch_size * POOL):
        pool = shuffled[start : start + batch_size * POOL]
        pool = pool[np.argsort(sizes[pool], kind="stable")]
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def without_single_texts(batches: Sequence[Indices]) -> list[Indices]:
    """Return the batches with at least two texts in each: one of the largest gives a text to a batch of one.

    A batch of one text stays if no other batch has three.
    """
    single = next((i for i, batch in enumerate(batches) if len(batch) == 1), None)
    largest = max(range(len(batches)), key=lambda i: len(batches[i]), default=0)
    if single is None or len(batches[largest]) < 3:
        return list(batches)
    moved = {single: np.append(batches[largest][-1:], batches[single]), largest: batches[largest][:-1]}
    return [moved.get(i, batch) for i, batch in enumerate(batches)]


def reading_order(lengths: Sequence[int], batch_size: int) -> list[Indices]:
    """Return the batches for evaluation and encoding: longest texts first, so that memory runs out at once or never."""
    ordered = np.argsort(-np.asarray(lengths), kind="stable")
    return [ordered[i : i + batch_size] for i in range(0, len(ordered), batch_size)]


@dataclass(frozen=True)
class Rows:
    """The rows of a batch on one rank, how many of them count, and the size of the batch on all ranks."""

    index: Indices
    counted: int
    size: int


def share_rows(batches: Sequence[Indices], rank: int, ranks: int, parts: int = 1) -> list[Rows]:
    """Shard batches for training: each rank gets rows of every batch, so that all ranks take the same steps.

    A rank processes a batch in `parts` micro-batches, sharded as if they were further ranks. A micro-batch without a
    text gets one row with weight 0.
    """
    offsets = range(rank, ranks * parts, ranks)
    return [_padded_rows(batch[offset :: ranks * parts], batch) for batch in batches for offset in offsets]


def share_batches(batches: Sequence[Indices], rank: int, ranks: int, level: bool = False) -> list[Rows]:
    """Shard batches for evaluation: each rank gets whole batches, at least one, and with `level` equally many."""
    rows = [_padded_rows(batch, batch) for batch in batches[rank::ranks]]
    needed = -(-len(batches) // ranks) if level else 1
    return rows + [_padded_rows(batches[0][:0], batches[0])] * (needed - len(rows))


def _padded_rows(index: Indices, batch: Indices) -> Rows:
    return Rows(index, len(index), len(batch)) if len(index) else Rows(batch[:1], 0, len(batch))
