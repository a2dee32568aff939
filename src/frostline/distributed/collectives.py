"""What the other ranks have, and whether all hold the same weights, to the bit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from frostline.errors import FrostlineError
from frostline.models.interfaces import WholeBatch

T = TypeVar("T")


def digest(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 over names and bytes, in order of names."""
    found = hashlib.sha256()
    for name, value in sorted(weights.items()):
        found.update(name.encode())
        found.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def gathered(own: T, ranks: int) -> list[T]:
    """What each rank has, in their order. A collective call where there are several."""
    found = [own] * ranks
    if ranks > 1:
        dist.all_gather_object(found, own)
    return found


def summed(value: Tensor, ranks: int) -> Tensor:
    """The sum over all ranks, the same to the bit on each. A collective call where there are several."""
    if ranks > 1:
        dist.all_reduce(value)
    return value


def alike(value: Tensor, ranks: int) -> None:
    """Put the first rank's value in place. A collective call where there are several; all must have its shape."""
    if ranks > 1:
        dist.broadcast(value, src=0)


class _Summed(torch.autograd.Function):
    """The sum over ranks, whose gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        dist.all_reduce(found := value.clone())
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        dist.all_reduce(found := gradients[0].clone())
        return found


def whole_batch(vectors: Tensor, labels: Tensor, size: int, seed: int, rank: int, ranks: int) -> WholeBatch:
    """From each rank's rows, every `ranks`-th of the batch's `size`. A collective call where there are several."""
    own = torch.arange(len(vectors), device=vectors.device) * ranks + rank
    if ranks == 1:
        return WholeBatch(vectors, labels, own, seed)

    def assembled(rows: Tensor) -> Tensor:
        places = rows.new_zeros(-(-size // ranks) * ranks, *rows.shape[1:])
        found: Tensor = _Summed.apply(places.index_copy(0, own, rows))  # type: ignore[no-untyped-call]  # torch's
        return found[:size]

    return WholeBatch(assembled(vectors), assembled(labels), own.clamp(max=size - 1), seed)


def agreed(own: str, when: str, ranks: int) -> str:
    """The digest that all ranks have. A collective call where there are several.

    Raises:
        FrostlineError: ranks differ; to go on would train as many models as there are ranks.
    """
    digests = gathered(own, ranks)
    if len(set(digests)) > 1:
        short = ", ".join(f"rank {rank} {value[:8]}" for rank, value in enumerate(digests))
        raise FrostlineError(f"ranks: their weights differ {when} ({short}); what learns was not synchronised")
    return own
