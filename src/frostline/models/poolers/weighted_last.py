from __future__ import annotations

from torch import Tensor, nn


class WeightedLast(nn.Module):
    """The weighted mean of SGPT (arXiv:2202.08904): token i of n has the weight i / (1 + ... + n).

    Later tokens, which attend to more of the text in a causal model, have larger weights. Positions are counted from
    the first token of the text, whichever side is padded.
    """

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Pool states (B, T, D) under mask (B, T) of 0 and 1 to vectors (B, D)."""
        is_token = mask != 0
        positions = is_token.long().cumsum(dim=1) * is_token
        weights = positions / positions.sum(dim=1, keepdim=True).clamp(min=1)
        return (states.masked_fill(~is_token.unsqueeze(-1), 0) * weights.unsqueeze(-1).to(states.dtype)).sum(dim=1)
