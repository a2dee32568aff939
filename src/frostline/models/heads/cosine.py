from __future__ import annotations

import torch
from torch import Tensor, nn

from frostline.models.numerics import cosines
from frostline.types import Count, Positive


class Cosine(nn.Module):
    """The cosine between the vector and each class's weights, times a scale (arXiv:1804.09458, equation 4).

    Neither the length of a vector nor that of a class's weights counts. The scale begins at `scale`, 10 as in the
    paper's code, and learns with the weights unless `learned` is off.
    """

    scale: Tensor

    def __init__(self, width: Count, classes: Count, scale: Positive = 10.0, learned: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, width) / width**0.5)
        if learned:
            self.scale = nn.Parameter(torch.tensor([float(scale)]))
        else:
            self.register_buffer("scale", torch.tensor([float(scale)]))

    def forward(self, vectors: Tensor) -> Tensor:
        """vectors (B, D) -> logits (B, C)."""
        return self.scale * cosines(vectors, self.weight)
