"""Products of matrices with all digits, within a step of mixed precision too, which would round them to 8 or 11 bits.

Layers can learn with so few. Cosines of vectors that all lie close together cannot be told apart by them, and what was
solved to more digits loses these.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def product(some: Tensor, others: Tensor) -> Tensor:
    """some (N, D), others (D, M) -> (N, M) in float32."""
    with torch.autocast(some.device.type, enabled=False):
        return some.float() @ others.float()


def cosines(some: Tensor, others: Tensor) -> Tensor:
    """some (N, D), others (M, D) -> (N, M) in float32."""
    here, there = (functional.normalize(vectors.float(), dim=1) for vectors in (some, others))
    return product(here, there.T)
