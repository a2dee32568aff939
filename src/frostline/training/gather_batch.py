"""The batch of all ranks, assembled on each of them: losses that compare texts need it."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from frostline.models.interfaces import GlobalBatch


class _SumOverRanks(torch.autograd.Function):
    """The sum of a tensor over all ranks. Its gradient is the sum of the gradients of all ranks."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        dist.all_reduce(total := value.clone())
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        dist.all_reduce(total := gradients[0].clone())
        return total


def gather_batch(vectors: Tensor, labels: Tensor, size: int, seed: int, rank: int, ranks: int) -> GlobalBatch:
    """Return the batch of all ranks in the order that one rank would have it in.

    Each rank has every `ranks`-th row of the batch. This is a collective call where there are several ranks.

    Args:
        vectors: the pooled vectors (B, D) of this rank's texts.
        labels: their labels (B,), or (B, C) for multi-label data.
        size: the number of texts in the batch of all ranks.
        seed: the seed of the step, the same on all ranks.
    """
    rows = torch.arange(len(vectors), device=vectors.device) * ranks + rank
    if ranks == 1:
        return GlobalBatch(vectors, labels, rows, seed)

    def assemble(values: Tensor) -> Tensor:
        empty = values.new_zeros(-(-size // ranks) * ranks, *values.shape[1:])
        summed: Tensor = _SumOverRanks.apply(empty.index_copy(0, rows, values))  # type: ignore[no-untyped-call]  # torch's
        return summed[:size]

    return GlobalBatch(assemble(vectors), assemble(labels), rows.clamp(max=size - 1), seed)
