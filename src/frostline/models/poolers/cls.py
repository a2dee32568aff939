from __future__ import annotations

import torch
from torch import Tensor, nn


class Cls(nn.Module):
    """The state of the first token of each text, `[CLS]` in BERT (arXiv:1810.04805), without BERT's own dense layer."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Pool states (B, T, D) under mask (B, T) of 0 and 1 to vectors (B, D)."""
        first = (mask != 0).int().argmax(dim=1)
        return states[torch.arange(len(states), device=states.device), first.to(states.device)]
