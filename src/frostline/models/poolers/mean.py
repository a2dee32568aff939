from __future__ import annotations

from torch import Tensor, nn


class Mean(nn.Module):
    """The mean of a text's token states (arXiv:1908.10084)."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Pool states (B, T, D) under mask (B, T) of 0 and 1 to vectors (B, D)."""
        is_token = (mask != 0).unsqueeze(-1)
        return states.masked_fill(~is_token, 0).sum(dim=1) / is_token.sum(dim=1).clamp(min=1)
