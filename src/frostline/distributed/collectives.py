"""What the other ranks have, and whether all hold the same weights, to the bit."""

from __future__ import annotations

from typing import TypeVar

import torch.distributed as dist
from torch import Tensor

from frostline.errors import FrostlineError

T = TypeVar("T")


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
