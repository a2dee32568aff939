from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from frostline.errors import user_error
from frostline.models.moments import moments
from frostline.models.numerics import cosines
from frostline.types import Count, Positive

FAR = 10.0  # below the farthest class: the logit of one that had no text


class Prototype(nn.Module):
    """The nearest class mean (arXiv:1703.05175), solved in one pass.

    Logits are minus the squared distance to each class's mean vector, or the cosine with it, over a temperature, which
    is the paper's with 1.0 and `euclidean`. standardize: each dimension of the training vectors to mean 0, deviation 1.

    Raises:
        UserError: texts have several classes; a mean of one would hold those of others.
    """

    means: Tensor
    mean: Tensor
    spread: Tensor
    seen: Tensor

    def __init__(
        self,
        width: Count,
        classes: Count,
        multi_label: bool = False,
        metric: Literal["euclidean", "cosine"] = "euclidean",
        temperature: Positive = 1.0,
        standardize: bool = False,
    ) -> None:
        super().__init__()
        if multi_label:
            what = "prototype has one mean a class, and these texts have several classes"
            raise user_error("head", what, "choose head=logistic or head=knn")
        self.metric, self.temperature, self.standardize = metric, temperature, standardize
        self.register_buffer("means", torch.zeros(classes, width))
        self.register_buffer("mean", torch.zeros(width), persistent=standardize)
        self.register_buffer("spread", torch.ones(width), persistent=standardize)
        self.register_buffer("seen", torch.zeros(classes, dtype=torch.bool))

    @torch.no_grad()
    def fit(self, vectors: Tensor, labels: Tensor) -> None:
        """vectors (N, D), labels (N,)."""
        wide = vectors.double()
        mean, spread = moments(wide, self.standardize)
        told = functional.one_hot(labels.to(wide.device), len(self.means)).double()
        self.means.copy_(told.T @ ((wide - mean) / spread) / told.sum(dim=0)[:, None].clamp(min=1))
        self.mean.copy_(mean)
        self.spread.copy_(spread)
        self.seen.copy_(told.any(dim=0))

    def forward(self, vectors: Tensor) -> Tensor:
        """vectors (B, D) -> logits (B, C)."""
        given = (vectors - self.mean) / self.spread
        if self.metric == "cosine":
            near = cosines(given, self.means)
        else:
            near = -(given[:, None] - self.means).square().sum(dim=2)
        logits = near / self.temperature
        return torch.where(self.seen, logits, logits.amin(dim=1, keepdim=True) - FAR)
