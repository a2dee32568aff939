"""Pairs of training texts for contrastive losses: drawn from all of train, a function of seed and epoch alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from frostline.data.batches import Indices, training_order


def pair_batches(
    labels: Sequence[int], lengths: Sequence[int], batch_size: int, pairs: int, seed: int, epoch: int
) -> list[Indices]:
    """Return the batches of one epoch: the rows 2k and 2k + 1 of a batch are a pair.

    Pairs are shuffled and sorted by length within pools, as single texts are.

    Args:
        labels: the class of each of N texts.
        lengths: the number of tokens of each text.
        batch_size: the number of texts in a batch, twice that of its pairs.
        pairs: the number of partners of its class, and of other classes, for each text.
    """
    drawn = draw_pairs(labels, pairs, seed, epoch)
    longest = np.asarray(lengths)[drawn].max(axis=1)
    return [drawn[rows].reshape(-1) for rows in training_order(longest.tolist(), batch_size // 2, seed, epoch)]


def draw_pairs(labels: Sequence[int], pairs: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return pairs of row indices (P, 2), as the iterations of SetFit draw them (arXiv:2209.11055, section 3.1).

    For each text, `pairs` partners are drawn from the other texts of its class and as many from all texts of other
    classes, each uniformly and independently. A text that is the only one of its class has none of its class.
    """
    rng = np.random.default_rng([seed, epoch, 1])  # another stream than that of the batch order
    classes = np.asarray(labels)
    order = np.argsort(classes, kind="stable")  # texts of a class are neighbours in it
    sizes = np.bincount(classes)
    starts, size = np.cumsum(sizes) - sizes, sizes[classes]
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    texts = np.arange(len(classes))
    drawn: list[NDArray[np.int64]] = []
    for _ in range(pairs):
        paired = texts[size > 1]
        first, count, row = starts[classes[paired]], size[paired], position[paired]
        partner = order[first + (row - first + rng.integers(1, count)) % count]
        drawn.append(np.stack([paired, partner], axis=1))
        others = texts[size < len(classes)]
        after, count = starts[classes[others]] + size[others], len(classes) - size[others]
        partner = order[(after + rng.integers(0, count)) % len(classes)]
        drawn.append(np.stack([others, partner], axis=1))
    return np.concatenate(drawn)


def pair_count(labels: Sequence[int], pairs: int) -> int:
    """Return the number of pairs that `draw_pairs` returns."""
    size = np.bincount(labels)[np.asarray(labels)]
    return pairs * int((size > 1).sum() + (size < len(labels)).sum())


def share_with_partner(labels: Sequence[int], batches: Sequence[Indices]) -> float:
    """Return the share of the texts in `batches` of whose class there is another text in the same batch."""
    classes = np.asarray(labels)
    partnered = [(np.bincount(classes[rows])[classes[rows]] > 1).sum() for rows in batches]
    return float(sum(partnered) / sum(map(len, batches)))
