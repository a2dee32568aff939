"""Batches for the Trainer: tokens, or the cached states of their texts below the frost line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, NotRequired, Protocol, TypedDict, TypeVar

import torch
from torch import Tensor

from frostline.data.batches import Indices, Rows
from frostline.data.tokens import Tokens
from frostline.freezing.frost_line import CachePoint

FEW = 256  # with at most so many vectors in a batch, one thread is faster than several
T = TypeVar("T")


class Batch(TypedDict):
    """The rows of a batch that one rank processes.

    indices: indices of the texts in their split (B,).
    weight: 0 for a padding row of a rank that has no text, else 1 (B,).
    size: number of texts of the batch on all ranks.
    cached: cached states below `line`: pooled vectors (B, 1, D) or (B, L + 1, D), or token states (B, T, D).
    """

    indices: Tensor
    labels: Tensor
    weight: Tensor
    size: int
    input_ids: NotRequired[Tensor]
    attention_mask: NotRequired[Tensor]
    cached: NotRequired[Tensor]
    line: NotRequired[CachePoint]


class StateSource(Protocol):
    """The cached states of a split's texts below the frost line."""

    line: CachePoint

    def rows(self, index: Indices) -> Tensor | None:
        """Return the states of these texts as in `Batch`, or None if they must be computed again."""
        ...


@dataclass
class BatchLoader:
    """Iterate over this rank's batches of the current epoch, from the position of a resumed epoch.

    rows: returns the batches of the epoch, each split into `parts` micro-batches.
    first: returns the number of micro-batches that are done.
    source: returns the cached states of this split, if there are any.
    All three are called at the start of an epoch.
    """

    tokens: Tokens
    batches: int
    rows: Callable[[], Sequence[Rows]]
    source: Callable[[], StateSource | None]
    first: Callable[[], int] = lambda: 0
    parts: int = 1

    def __len__(self) -> int:
        return self.batches * self.parts

    def peek(self, count: int) -> Iterator[Batch]:
        """Return the first `count` batches of the next epoch, without starting it."""
        source = self.source()
        for rows in self.rows()[: count * self.parts]:
            yield self._batch(rows, source)

    def __iter__(self) -> Iterator[Batch]:
        source, left = self.source(), self.rows()[self.first() :]
        batches = (self._batch(rows, source) for rows in left)
        by_token = source is None or source.line.by_token
        small = not by_token and all(len(rows.index) <= FEW for rows in left)
        with one_thread() if small else nullcontext():
            yield from prefetch(batches) if source is not None and by_token else batches

    def _batch(self, rows: Rows, source: StateSource | None) -> Batch:
        index = torch.from_numpy(rows.index)
        weight = torch.full((len(index),), float(rows.counted > 0))
        labels = self.tokens.labels[index]
        batch: Batch = {"indices": index, "labels": labels, "weight": weight, "size": rows.size}
        cached = None if source is None else source.rows(rows.index)
        if source is not None and cached is not None:
            batch["cached"], batch["line"] = cached, source.line
        if source is None or source.line.by_token or "cached" not in batch:
            batch["input_ids"], batch["attention_mask"] = self.tokens.padded(rows.index)
        return batch

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: the position follows from the Trainer's own count of batches."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing; the method declares to Lightning that an epoch can be resumed in its middle."""


def prefetch(items: Iterator[T]) -> Iterator[T]:
    """Yield the same items in the same order, with a thread that prepares one item in advance."""
    with ThreadPoolExecutor(1) as thread:
        upcoming = thread.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = thread.submit(next, items, None)
            yield item


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread of torch: for a few vectors, waiting for other threads costs more than the work itself.

    Nested uses restore the number of threads in whatever order they end.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        if before > 1:
            torch.set_num_threads(before)
