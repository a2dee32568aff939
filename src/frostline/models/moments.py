"""Mean and spread of vectors, by which heads that are solved standardise them."""

from __future__ import annotations

import torch
from torch import Tensor


def moments(vectors: Tensor, wanted: bool) -> tuple[Tensor, Tensor]:
    """vectors (N, D) -> their mean (D,) and standard deviation (D,), 1 where they are all alike; 0 and 1 if unwanted.

    As scikit-learn's StandardScaler has them: over N, not N - 1.
    """
    if not wanted:
        return torch.zeros_like(vectors[0]), torch.ones_like(vectors[0])
    spread = vectors.std(dim=0, correction=0)
    return vectors.mean(dim=0), torch.where(spread > 1e-12, spread, torch.ones_like(spread))
