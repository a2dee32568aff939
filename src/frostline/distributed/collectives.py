"""Collective calls that also work in a run of one process, and a check that ranks have identical weights."""

from __future__ import annotations

from collections.abc import Callable
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


def check_identical(digest: str, when: str, ranks: int, digest_each: Callable[[], dict[str, str]] = dict) -> None:
    """Check that the weights of all ranks have the same digest. All ranks must call it.

    Args:
        digest_each: returns the digest of each tensor by its name, so that an error can name those that differ.

    Raises:
        FrostlineError: the digests differ. The ranks would train different models from here on.
    """
    digests = all_gather(digest, ranks)
    if len(set(digests)) > 1:
        listed = ", ".join(f"rank {rank} {value[:8]}" for rank, value in enumerate(digests))
        first, *others = all_gather(digest_each(), ranks)
        names = [name for name in first if any(other.get(name) != first[name] for other in others)]
        which = f" in {', '.join(names[:3])}{' and others' * (len(names) > 3)}" if names else ""
        what = f"their weights differ {when}{which} ({listed}); parameters or buffers were not synchronised"
        raise FrostlineError(f"ranks: {what}")
