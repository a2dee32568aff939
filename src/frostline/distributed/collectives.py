"""Collective calls that also work in a run of one process, and a check that ranks have identical weights."""

from __future__ import annotations

from typing import TypeVar

import torch.distributed as dist
from torch import Tensor

from frostline.errors import FrostlineError

T = TypeVar("T")


def all_gather(value: T, ranks: int) -> list[T]:
    """Return the value of each rank, in the order of ranks. All ranks must call it."""
    values = [value] * ranks
    if ranks > 1:
        dist.all_gather_object(values, value)
    return values


def all_reduce(value: Tensor, ranks: int) -> Tensor:
    """Sum a tensor over all ranks, in place; the result is the same to the bit on each. All ranks must call it."""
    if ranks > 1:
        dist.all_reduce(value)
    return value


def broadcast(value: Tensor, ranks: int) -> None:
    """Overwrite a tensor with that of the first rank, which has the same shape. All ranks must call it."""
    if ranks > 1:
        dist.broadcast(value, src=0)


def check_identical(digest: str, when: str, ranks: int) -> None:
    """Check that the weights of all ranks have the same digest. All ranks must call it.

    Raises:
        FrostlineError: the digests differ. The ranks would train different models from here on.
    """
    digests = all_gather(digest, ranks)
    if len(set(digests)) > 1:
        listed = ", ".join(f"rank {rank} {value[:8]}" for rank, value in enumerate(digests))
        what = f"their weights differ {when} ({listed}); trainable parameters were not synchronised"
        raise FrostlineError(f"ranks: {what}")
