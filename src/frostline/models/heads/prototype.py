from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from frostline.errors import user_error
from frostline.models.numerics import cosine_similarities, mean_and_std
from frostline.types import Count, Positive

UNSEEN_MARGIN = 10.0  # how far the logit of a class without training texts is below all others


class Prototype(nn.Module):
    """The nearest class mean (arXiv:1703.05175), fitted in one pass.

    Logits are minus the squared distance to the mean vector of each class, or the cosine with it, over a temperature;
    temperature 1.0 with `euclidean` is the model of the paper. standardize: scale each dimension of the training
    vectors to mean 0 and standard deviation 1.

    Raises:
        UserError: the data is multi-label, so that the means of classes would overlap.
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
        """Fit the head to vectors (N, D) and labels (N,)."""
        wide = vectors.double()
        mean, std = mean_and_std(wide, self.standardize)
        targets = functional.one_hot(labels.to(wide.device), len(self.means)).double()
        self.means.copy_(targets.T @ ((wide - mean) / std) / targets.sum(dim=0)[:, None].clamp(min=1))
        self.mean.copy_(mean)
        self.spread.copy_(std)
        self.seen.copy_(targets.any(dim=0))

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits (B, C) of vectors (B, D)."""
        standardised = (vectors - self.mean) / self.spread
        if self.metric == "cosine":
            similarities = cosine_similarities(standardised, self.means)
        else:
            similarities = -(standardised[:, None] - self.means).square().sum(dim=2)
        logits = similarities / self.temperature
        return torch.where(self.seen, logits, logits.amin(dim=1, keepdim=True) - UNSEEN_MARGIN)
