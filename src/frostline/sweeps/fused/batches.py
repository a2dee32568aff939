"""The batches of fused runs. Runs with the same texts, batch size and seed share them.

Shapes: J heads, G batch orders, B texts of a batch, C classes.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import torch
from torch import Tensor

from frostline.data.batches import Indices, training_order
from frostline.sweeps.fused.member import FusedRun, SplitEmbeddings


class BatchOrder:
    """The batches of one run, epoch after epoch, in the order of a run by itself."""

    def __init__(self, run: FusedRun) -> None:
        self.split: SplitEmbeddings = run.splits["train"]
        self.batch_size, self.seed = run.batch_size, run.order_seed
        self.steps = run.steps_per_epoch
        self._epoch: list[Indices] = []

    def batch(self, step: int) -> Indices:
        """Return the indices of the texts of a step."""
        if step % self.steps == 0:
            self._epoch = training_order(self.split.lengths, self.batch_size, self.seed, step // self.steps)
        return self._epoch[step % self.steps]


class BatchOrders:
    """The G orders of J runs. by_run: (J,), the order of each run."""

    def __init__(self, runs: Sequence[FusedRun]) -> None:
        self.by_key: dict[Hashable, BatchOrder] = {}
        self.select(runs)

    def select(self, runs: Sequence[FusedRun]) -> None:
        """Continue with these runs, sorted by `order_key`."""
        keys = [order_key(run) for run in runs]
        self.by_key = {key: self.by_key.get(key) or BatchOrder(run) for key, run in zip(keys, runs, strict=True)}
        self.orders = list(self.by_key.values())
        positions = {key: position for position, key in enumerate(self.by_key)}
        self.by_run = torch.tensor([positions[key] for key in keys])

    def batches(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return rows of the embeddings (G, B), labels (G, B) or (G, B, C), and the size of each batch (G,).

        A batch of fewer than B texts repeats its last one.
        """
        batches = [order.batch(step) for order in self.orders]
        sizes = torch.tensor([len(batch) for batch in batches])
        longest = max(map(len, batches))
        padded = np.stack([np.pad(batch, (0, longest - len(batch)), mode="edge") for batch in batches])
        index = torch.from_numpy(padded)
        splits = [order.split for order in self.orders]
        rows, labels = [split.rows for split in splits], [split.labels for split in splits]
        return _gather(rows, index), _gather(labels, index), sizes


def order_key(run: FusedRun) -> tuple[int, int, int, int]:
    """Return a key that is equal for runs with the same batches."""
    split = run.splits["train"]
    return id(split.rows), id(split.labels), run.batch_size, run.order_seed


def _gather(values: Sequence[Tensor], index: Tensor) -> Tensor:
    """Return from G tensors (N, ...) the entries at `index` (G, B), at once where all are the same tensor."""
    if all(value is values[0] for value in values):
        return values[0][index]
    return torch.stack([value[rows] for value, rows in zip(values, index, strict=True)])
