"""Which texts stand in which batch: length-bucketed, a function of seed and epoch alone, shared out among ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
POOL = 64  # batches whose texts are sorted by length together: nearly no padding, still much chance


def training_order(lengths: Sequence[int], batch_size: int, seed: int, epoch: int) -> list[Indices]:
    """Batches of one epoch: shuffled texts, sorted by length within pools of batches, the batches shuffled again.

    Every text stands in exactly one batch; only one batch may be smaller than `batch_size`.
    """
    chance = np.random.default_rng([seed, epoch])
    shuffled = chance.permutation(len(lengths))
    sizes = np.asarray(lengths)
    batches: list[Indices] = []
    for start in range(0, len(shuffled), batch_size * POOL):
        pool = shuffled[start : start + batch_size * POOL]
        pool = pool[np.argsort(sizes[pool], kind="stable")]
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    return [batches[i] for i in chance.permutation(len(batches))]


def reading_order(lengths: Sequence[int], batch_size: int) -> list[Indices]:
    """Batches for evaluation and encoding: all texts, longest first, so that memory runs out at once or never."""
    ordered = np.argsort(-np.asarray(lengths), kind="stable")
    return [ordered[i : i + batch_size] for i in range(0, len(ordered), batch_size)]


@dataclass(frozen=True)
class Rows:
    """A rank's rows of a batch, how many of them count, and how many the whole batch has on all ranks."""

    index: Indices
    counted: int
    size: int


def share_rows(batches: Sequence[Indices], rank: int, ranks: int, parts: int = 1) -> list[Rows]:
    """For training: each rank takes its rows of every batch, so that all ranks take the same steps.

    A rank reads a batch in `parts`, one after the other, which share its rows as further ranks would. A part that gets
    none of a batch takes one row that counts for nothing.
    """
    places = range(rank, ranks * parts, ranks)
    return [_rows(batch[place :: ranks * parts], batch) for batch in batches for place in places]


def share_batches(batches: Sequence[Indices], rank: int, ranks: int, level: bool = False) -> list[Rows]:
    """For evaluation: whole batches, equally many where that is asked (`level`). Every rank gets one at least."""
    found = [_rows(batch, batch) for batch in batches[rank::ranks]]
    wanted = -(-len(batches) // ranks) if level else 1
    return found + [_rows(batches[0][:0], batches[0])] * (wanted - len(found))


def _rows(mine: Indices, batch: Indices) -> Rows:
    return Rows(mine, len(mine), len(batch)) if len(mine) else Rows(batch[:1], 0, len(batch))
