from __future__ import annotations

import torch
from torch import Tensor, nn


class Last(nn.Module):
    """The state of the last token of each text, as in arXiv:2201.10005.

    In a causal model it is the only token that attends to all others.

    It is the last token with a mask of 1, whichever side is padded.
    """

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Pool states (B, T, D) under mask (B, T) of 0 and 1 to vectors (B, D)."""
        positions = torch.arange(mask.shape[1], device=mask.device)
        last = torch.where(mask != 0, positions, -1).argmax(dim=1)
        return states[torch.arange(len(states), device=states.device), last.to(states.device)]
