"""Batches for the Trainer: of tokens, with the states that are kept of them below the frost line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NotRequired, Protocol, TypedDict

import torch
from torch import Tensor

from frostline.data.ahead import ahead
from frostline.data.batches import Indices, Rows
from frostline.data.tokens import Tokens
from frostline.distributed.resources import one_thread
from frostline.freezing.frost_line import CachePoint

FEW = 256  # vectors in a batch whose steps are too small to be shared among threads


class Batch(TypedDict):
    """Rows of one rank. `weight` (B,) is 0 for a row that only fills the rank's place; `size` is the whole batch's.

    places: of the texts in their split (B,).
    kept: what lies below `line`: vectors (B, 1, D), a stack (B, L + 1, D), or token states (B, T, D).
    """

    places: Tensor
    labels: Tensor
    weight: Tensor
    size: int
    input_ids: NotRequired[Tensor]
    attention_mask: NotRequired[Tensor]
    kept: NotRequired[Tensor]
    line: NotRequired[CachePoint]


class Source(Protocol):
    """Keeps states of a split's texts below a line."""

    line: CachePoint

    def rows(self, index: Indices) -> Tensor | None:
        """Of these texts, as in `Batch`; None where they must be computed again."""
        ...


@dataclass
class BatchLoader:
    """Iterates over this rank's batches of the present epoch, from where a resumed epoch stands.

    rows: the batches of the epoch, each in `parts`; first: how many of these are already done; source: what is kept of
    this split below the frost line, if anything. All three are asked when an epoch begins.
    """

    tokens: Tokens
    batches: int
    rows: Callable[[], Sequence[Rows]]
    source: Callable[[], Source | None]
    first: Callable[[], int] = lambda: 0
    parts: int = 1

    def __len__(self) -> int:
        return self.batches * self.parts

    def ahead(self, count: int) -> Iterator[Batch]:
        """The first batches of the epoch that is about to begin, part by part, for a look at them."""
        source = self.source()
        for rows in self.rows()[: count * self.parts]:
            yield self._batch(rows, source)

    def __iter__(self) -> Iterator[Batch]:
        source, left = self.source(), self.rows()[self.first() :]
        batches = (self._batch(rows, source) for rows in left)
        by_token = source is None or source.line.by_token
        small = not by_token and all(len(rows.index) <= FEW for rows in left)
        with one_thread() if small else nullcontext():
            yield from ahead(batches) if source is not None and by_token else batches

    def _batch(self, rows: Rows, source: Source | None) -> Batch:
        index = torch.from_numpy(rows.index)
        weight = torch.full((len(index),), float(rows.counted > 0))
        labels = self.tokens.labels[index]
        batch: Batch = {"places": index, "labels": labels, "weight": weight, "size": rows.size}
        kept = None if source is None else source.rows(rows.index)
        if source is not None and kept is not None:
            batch["kept"], batch["line"] = kept, source.line
        if source is None or source.line.by_token or "kept" not in batch:
            batch["input_ids"], batch["attention_mask"] = self.tokens.padded(rows.index)
        return batch

    def state_dict(self) -> dict[str, Any]:
        """Empty: the position follows from the Trainer's own count of batches."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Tells Lightning that an epoch can be resumed in its middle."""
