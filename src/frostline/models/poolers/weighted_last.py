from __future__ import annotations

from torch import Tensor, nn


class WeightedLast(nn.Module):
    """The mean of a text's token states in which the i-th of n tokens weighs i / (1 + ... + n): SGPT, arXiv:2202.08904.

    Later tokens, which in a causal model have seen more of the text, weigh more. Places count from the text's own first
    token, whichever side is padded.
    """

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """states (B, T, D), mask (B, T) of 0 and 1 -> (B, D)."""
        kept = mask != 0
        places = kept.long().cumsum(dim=1) * kept
        weights = places / places.sum(dim=1, keepdim=True).clamp(min=1)
        return (states.masked_fill(~kept.unsqueeze(-1), 0) * weights.unsqueeze(-1).to(states.dtype)).sum(dim=1)
