from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from frostline.errors import user_error
from frostline.models.moments import moments
from frostline.models.numerics import product
from frostline.types import Count, Positive

CHUNK = 2**24  # distances held at a time


class Knn(nn.Module):
    """The classes of the nearest training texts (Cover and Hart, 1967; weights as in scikit-learn).

    Logits are the log of each class's share of the `k` nearest texts' votes, which `distance` weighs by one over
    their distance. `smoothing` is as many votes as go to all classes alike, so that no class is impossible. Where texts
    have several classes a logit is the log odds of the share of the votes for the class. The cosine distance is one
    minus the cosine.

    Raises:
        UserError: fewer texts than `k`.
    """

    vectors: Tensor
    labels: Tensor
    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        width: Count,
        classes: Count,
        texts: Count | None = None,
        multi_label: bool = False,
        k: Count = 5,
        metric: Literal["cosine", "euclidean"] = "cosine",
        weights: Literal["uniform", "distance"] = "uniform",
        smoothing: Positive = 1.0,
        standardize: bool = False,
    ) -> None:
        super().__init__()
        if texts is not None and k > texts:
            raise user_error("head.k", f"{k} neighbours, but train has {texts} texts", f"give 1 to {texts}")
        self.k, self.metric, self.weights, self.smoothing = k, metric, weights, smoothing
        self.standardize, self.multi_label = standardize, multi_label
        self.register_buffer("vectors", torch.zeros(0, width))
        self.register_buffer("labels", torch.zeros(0, classes, dtype=torch.int8))
        self.register_buffer("mean", torch.zeros(width), persistent=standardize)
        self.register_buffer("spread", torch.ones(width), persistent=standardize)

    @torch.no_grad()
    def fit(self, vectors: Tensor, labels: Tensor) -> None:
        """vectors (N, D), labels (N,), or (N, C) of 0 and 1 for multi-label data."""
        mean, spread = moments(vectors.double(), self.standardize)
        self.mean.copy_(mean)
        self.spread.copy_(spread)
        told = labels if self.multi_label else functional.one_hot(labels, self.labels.shape[1])
        self.vectors.resize_(vectors.shape).copy_(self._placed(vectors.to(self.mean.device)))
        self.labels.resize_(told.shape).copy_(told)

    def forward(self, vectors: Tensor) -> Tensor:
        """vectors (B, D) -> logits (B, C)."""
        if not len(self.vectors):  # not fitted yet
            return vectors.new_zeros(len(vectors), self.labels.shape[1])
        rows = max(CHUNK // len(self.vectors), 1)
        parts = self._placed(vectors).split(rows)  # type: ignore[no-untyped-call]  # torch has no type for it
        return torch.cat([self._logits(part) for part in parts])

    def _placed(self, vectors: Tensor) -> Tensor:
        given = (vectors - self.mean) / self.spread
        return functional.normalize(given, dim=1) if self.metric == "cosine" else given

    def _logits(self, given: Tensor) -> Tensor:
        # Half the squared distance, less what is the same for all texts; of unit vectors it is minus the cosine.
        far = self.vectors.square().sum(dim=1) / 2 - product(given, self.vectors.T)
        near = far.topk(min(self.k, len(self.vectors)), largest=False).indices
        votes = self._votes(given, near)
        shares = (votes[..., None] * self.labels[near]).sum(dim=1)
        total = votes.sum(dim=1, keepdim=True) + self.smoothing
        if self.multi_label:
            return ((shares + self.smoothing / 2) / total).logit()
        return ((shares + self.smoothing / shares.shape[1]) / total).log()

    def _votes(self, given: Tensor, near: Tensor) -> Tensor:
        """near (B, K) -> votes (B, K), K in all a text; a copy of a training text is told by its copies alone."""
        if self.weights == "uniform":
            return torch.ones_like(near, dtype=given.dtype)
        distance = (self.vectors[near] - given[:, None]).square().sum(dim=2)
        distance = distance / 2 if self.metric == "cosine" else distance.sqrt()
        same = distance < 1e-6
        votes = torch.where(same.any(dim=1, keepdim=True), same.to(distance.dtype), 1 / distance.clamp(min=1e-6))
        return votes * near.shape[1] / votes.sum(dim=1, keepdim=True)
