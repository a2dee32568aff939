from __future__ import annotations

import torch
from torch import Tensor, nn


class Last(nn.Module):
    """The state of the last token of each text, which in a causal model alone has seen all others (arXiv:2201.10005).

    It is the last that the mask keeps, whichever side is padded.
    """

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """states (B, T, D), mask (B, T) of 0 and 1 -> (B, D)."""
        places = torch.arange(mask.shape[1], device=mask.device)
        last = torch.where(mask != 0, places, -1).argmax(dim=1)
        return states[torch.arange(len(states), device=states.device), last.to(states.device)]
