from __future__ import annotations

from torch import Tensor, nn


class Mean(nn.Module):
    """The mean of a text's token states (arXiv:1908.10084)."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """states (B, T, D), mask (B, T) of 0 and 1 -> (B, D)."""
        kept = (mask != 0).unsqueeze(-1)
        return states.masked_fill(~kept, 0).sum(dim=1) / kept.sum(dim=1).clamp(min=1)
