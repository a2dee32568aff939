from __future__ import annotations

import torch
from torch import Tensor, nn

from frostline.types import Count


class LayerMix(nn.Module):
    """ELMo's scalar mix (arXiv:1802.05365, equation 1) of the mean token state of each layer.

    The result is scale x the sum over layers of softmax(weights) x mean. Weights are initialised to zero and the scale
    to one, which gives the plain mean of all layers and the embeddings.
    """

    trainable = True  # together with the head
    every_layer: bool = True

    def __init__(self, layers: Count) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers + 1))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Pool states (L + 1, B, T, D) under mask (B, T) of 0 and 1 to vectors (B, D)."""
        return self.mix(self.stack(states, mask))

    def stack(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return the mean state of each layer (L + 1, B, D) of states (L + 1, B, T, D) under mask (B, T) of 0 and 1."""
        is_token = (mask != 0).unsqueeze(-1)
        return states.masked_fill(~is_token, 0).sum(dim=2) / is_token.sum(dim=1).clamp(min=1)

    def mix(self, stack: Tensor) -> Tensor:
        """Mix the layers of stack (L + 1, B, D) to vectors (B, D)."""
        mixed: Tensor = self.scale * torch.tensordot(self.weights.softmax(dim=0), stack, dims=1)
        return mixed
