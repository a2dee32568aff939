"""Batches for the Trainer: of tokens, or of stored vectors where nothing below the head learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import torch
from torch import Tensor

from frostline.data.batches import Rows
from frostline.data.tokens import Tokens


class Batch(TypedDict):
    """Rows of one rank. `weight` (B,) is 0 for a row that only fills the rank's place; `size` is the whole batch's."""

    labels: Tensor
    weight: Tensor
    size: int
    input_ids: NotRequired[Tensor]
    attention_mask: NotRequired[Tensor]
    vectors: NotRequired[Tensor]


@dataclass
class Loader:
    """Iterates over this rank's batches of the present epoch, from where a resumed epoch stands.

    rows: the batches of the epoch, each in `parts`; first: how many of these are already done; vectors: the stored
    vectors of this split, or None where tokens must be read. All three are asked when an epoch begins.
    """

    tokens: Tokens
    batches: int
    rows: Callable[[], Sequence[Rows]]
    vectors: Callable[[], Tensor | None]
    first: Callable[[], int] = lambda: 0
    parts: int = 1

    def __len__(self) -> int:
        return self.batches * self.parts

    def ahead(self, count: int) -> Iterator[Batch]:
        """The first batches of the epoch that is about to begin, part by part, for a look at them."""
        vectors = self.vectors()
        for rows in self.rows()[: count * self.parts]:
            yield self._batch(rows, vectors)

    def __iter__(self) -> Iterator[Batch]:
        vectors = self.vectors()
        for rows in self.rows()[self.first() :]:
            yield self._batch(rows, vectors)

    def _batch(self, rows: Rows, vectors: Tensor | None) -> Batch:
        index = torch.from_numpy(rows.index)
        weight = torch.full((len(index),), float(rows.counted > 0))
        batch: Batch = {"labels": self.tokens.labels[index], "weight": weight, "size": rows.size}
        if vectors is not None:
            batch["vectors"] = vectors[index]
        else:
            batch["input_ids"], batch["attention_mask"] = self.tokens.padded(rows.index)
        return batch

    def state_dict(self) -> dict[str, Any]:
        """Empty: the position follows from the Trainer's own count of batches."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Tells Lightning that an epoch can be resumed in its middle."""
