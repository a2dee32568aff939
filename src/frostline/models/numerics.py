"""Matrix products in float32, also under mixed precision, and the standardisation of embeddings.

Autocast would round the factors to 8 or 11 bits. That is enough to train layers, but not to distinguish the cosines of
embeddings that are close together, nor for weights that a closed-form solution gives with more digits.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def matmul_float32(first: Tensor, second: Tensor) -> Tensor:
    """Return the matrix product (N, M) of `first` (N, D) and `second` (D, M) in float32."""
    with torch.autocast(first.device.type, enabled=False):
        return first.float() @ second.float()


def cosine_similarities(first: Tensor, second: Tensor) -> Tensor:
    """Return the cosines (N, M) between the rows of `first` (N, D) and of `second` (M, D) in float32."""
    first_units, second_units = (functional.normalize(vectors.float(), dim=1) for vectors in (first, second))
    return matmul_float32(first_units, second_units.T)


def mean_and_std(vectors: Tensor, standardize: bool) -> tuple[Tensor, Tensor]:
    """Return the mean (D,) and the standard deviation (D,) of `vectors` (N, D); 0 and 1 without `standardize`.

    The deviation is over N, not N - 1, and 1 for a constant dimension, as in scikit-learn's StandardScaler.
    """
    if not standardize:
        return torch.zeros_like(vectors[0]), torch.ones_like(vectors[0])
    std = vectors.std(dim=0, correction=0)
    return vectors.mean(dim=0), torch.where(std > 1e-12, std, torch.ones_like(std))
