"""The batches of runs that are trained together; those with the same texts, size and seed read the same ones."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import torch
from torch import Tensor

from frostline.data.batches import Indices, training_order
from frostline.sweeps.fused.member import FusedRun, Part


class Order:
    """Epoch after epoch, as a run alone would go through its texts."""

    def __init__(self, pupil: FusedRun) -> None:
        self.part: Part = pupil.parts["train"]
        self.size, self.seed = pupil.batch_size, pupil.order_seed
        self.steps = pupil.steps_an_epoch
        self._epoch: list[Indices] = []

    def batch(self, step: int) -> Indices:
        if step % self.steps == 0:
            self._epoch = training_order(self.part.lengths, self.size, self.seed, step // self.steps)
        return self._epoch[step % self.steps]


class Orders:
    """The G orders of J runs, whose places among them are `which` (J,)."""

    def __init__(self, pupils: Sequence[FusedRun]) -> None:
        self.known: dict[Hashable, Order] = {}
        self.keep(pupils)

    def keep(self, pupils: Sequence[FusedRun]) -> None:
        """Go on with these runs, sorted by `order_of`."""
        keys = [order_of(pupil) for pupil in pupils]
        self.known = {key: self.known.get(key) or Order(p) for key, p in zip(keys, pupils, strict=True)}
        self.every = list(self.known.values())
        places = {key: place for place, key in enumerate(self.known)}
        self.which = torch.tensor([places[key] for key in keys])

    def batches(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Places of vectors (G, B), labels (G, B) or (G, B, C), and how many of the B rows count (G,)."""
        rows = [order.batch(step) for order in self.every]
        most = max(map(len, rows))
        padded = np.stack([np.pad(own, (0, most - len(own)), mode="edge") for own in rows])
        index = torch.from_numpy(padded)
        parts = [order.part for order in self.every]
        sizes = torch.tensor([len(own) for own in rows])
        return _rows([part.places for part in parts], index), _rows([part.labels for part in parts], index), sizes


def order_of(pupil: FusedRun) -> tuple[int, int, int, int]:
    """Alike for runs that read the same batches."""
    part = pupil.parts["train"]
    return id(part.places), id(part.labels), pupil.batch_size, pupil.order_seed


def _rows(values: Sequence[Tensor], index: Tensor) -> Tensor:
    """Of each one's own (N, ...) its rows (B): at once where all have the same."""
    if all(own is values[0] for own in values):
        return values[0][index]
    return torch.stack([own[rows] for own, rows in zip(values, index, strict=True)])
