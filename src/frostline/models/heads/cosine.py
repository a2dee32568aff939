from __future__ import annotations

import torch
from torch import Tensor, nn

from frostline.models.numerics import cosine_similarities
from frostline.types import Count, Positive


class Cosine(nn.Module):
    """The cosine between a vector and the weights of each class, times a scale (arXiv:1804.09458, equation 4).

    The norms of vectors and weights have no effect. The scale is initialised to `scale`, 10 as in the code of the
    paper, and is trained with the weights if `learned` is true.
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
        """Return logits (B, C) of vectors (B, D)."""
        return self.scale * cosine_similarities(vectors, self.weight)
