from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from frostline.errors import user_error
from frostline.models.numerics import matmul_float32, mean_and_std
from frostline.types import Count, Positive

CHUNK = 2**24  # distances computed at a time


class Knn(nn.Module):
    """The classes of the nearest training texts (Cover and Hart, 1967; weights as in scikit-learn).

    Logits are the log of the fraction of the votes of the `k` nearest texts for each class; weights=distance divides
    each vote by the distance. `smoothing` votes are added in equal parts to all classes, so that no probability is
    zero. For multi-label data a logit is the log odds of the fraction of votes for the class. The cosine distance is
    one minus the cosine.

    Raises:
        UserError: there are fewer training texts than `k`.
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
        """Fit the head to vectors (N, D) and labels (N,), or (N, C) of 0 and 1 for multi-label data."""
        mean, std = mean_and_std(vectors.double(), self.standardize)
        self.mean.copy_(mean)
        self.spread.copy_(std)
        targets = labels if self.multi_label else functional.one_hot(labels, self.labels.shape[1])
        self.vectors.resize_(vectors.shape).copy_(self._normalise(vectors.to(self.mean.device)))
        self.labels.resize_(targets.shape).copy_(targets)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits (B, C) of vectors (B, D)."""
        if not len(self.vectors):  # not fitted yet
            return vectors.new_zeros(len(vectors), self.labels.shape[1])
        rows = max(CHUNK // len(self.vectors), 1)
        parts = self._normalise(vectors).split(rows)  # type: ignore[no-untyped-call]  # torch has no type for it
        return torch.cat([self._vote_logits(part) for part in parts])

    def _normalise(self, vectors: Tensor) -> Tensor:
        standardised = (vectors - self.mean) / self.spread
        return functional.normalize(standardised, dim=1) if self.metric == "cosine" else standardised

    def _vote_logits(self, queries: Tensor) -> Tensor:
        # Half the squared distance, up to a constant for each query; for unit vectors 1/2 minus the cosine.
        distances = self.vectors.square().sum(dim=1) / 2 - matmul_float32(queries, self.vectors.T)
        nearest = distances.topk(min(self.k, len(self.vectors)), largest=False).indices
        votes = self._votes(queries, nearest)
        counts = (votes[..., None] * self.labels[nearest]).sum(dim=1)
        total = votes.sum(dim=1, keepdim=True) + self.smoothing
        if self.multi_label:
            return ((counts + self.smoothing / 2) / total).logit()
        return ((counts + self.smoothing / counts.shape[1]) / total).log()

    def _votes(self, queries: Tensor, nearest: Tensor) -> Tensor:
        """Return votes (B, K) of the texts `nearest` (B, K), which sum to K for each query.

        Only the copies of a query vote if it is itself a training text.
        """
        if self.weights == "uniform":
            return torch.ones_like(nearest, dtype=queries.dtype)
        distance = (self.vectors[nearest] - queries[:, None]).square().sum(dim=2)
        distance = distance / 2 if self.metric == "cosine" else distance.sqrt()
        is_copy = distance < 1e-6
        votes = torch.where(is_copy.any(dim=1, keepdim=True), is_copy.to(distance.dtype), 1 / distance.clamp(min=1e-6))
        return votes * nearest.shape[1] / votes.sum(dim=1, keepdim=True)
