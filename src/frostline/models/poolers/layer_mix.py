from __future__ import annotations

import torch
from torch import Tensor, nn

from frostline.types import Count


class LayerMix(nn.Module):
    """ELMo's scalar mix (arXiv:1802.05365, equation 1) of each layer's mean over a text's tokens.

    scale x the sum over layers of softmax(weights) x mean. Weights begin at zero and the scale at one: the plain mean
    of all layers, the embeddings' states among them.
    """

    trainable = True  # together with the head
    every_layer: bool = True

    def __init__(self, layers: Count) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers + 1))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """states (L + 1, B, T, D), mask (B, T) of 0 and 1 -> (B, D)."""
        return self.mix(self.stack(states, mask))

    def stack(self, states: Tensor, mask: Tensor) -> Tensor:
        """states (L + 1, B, T, D), mask (B, T) of 0 and 1 -> each layer's mean (L + 1, B, D)."""
        kept = (mask != 0).unsqueeze(-1)
        return states.masked_fill(~kept, 0).sum(dim=2) / kept.sum(dim=1).clamp(min=1)

    def mix(self, stack: Tensor) -> Tensor:
        """stack (L + 1, B, D) -> (B, D)."""
        mixed: Tensor = self.scale * torch.tensordot(self.weights.softmax(dim=0), stack, dims=1)
        return mixed
