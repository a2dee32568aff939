from __future__ import annotations

import torch
from torch import Tensor, nn

from frostline.types import Count


class Attention(nn.Module):
    """A weighted mean with a trainable query: weights are the softmax over tokens of state . query / sqrt(D).

    This is the self-attentive embedding of arXiv:1703.03130 with one row and no hidden layer. The query is initialised
    to zero, so that pooling begins as the plain mean.
    """

    trainable = True  # together with the head

    def __init__(self, width: Count) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(width))

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Pool states (B, T, D) under mask (B, T) of 0 and 1 to vectors (B, D)."""
        is_token = mask != 0
        states = states.masked_fill(~is_token.unsqueeze(-1), 0)
        scores = states @ self.query / len(self.query) ** 0.5
        weights = scores.masked_fill(~is_token, torch.finfo(scores.dtype).min).softmax(dim=1)
        pooled: Tensor = (states * weights.unsqueeze(-1)).sum(dim=1)
        return pooled
