from __future__ import annotations

import torch
from torch import Tensor, nn


class Max(nn.Module):
    """The largest value of each dimension over a text's tokens (arXiv:1705.02364)."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Pool states (B, T, D) under mask (B, T) of 0 and 1 to vectors (B, D)."""
        lowest = torch.finfo(states.dtype).min
        return states.masked_fill(mask.unsqueeze(-1) == 0, lowest).amax(dim=1)
