"""The head of an exported folder for head=knn."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class KnnClassifier(nn.Module):
    """The log of the fraction of the votes of the k nearest training texts for each class; for several the log odds."""

    vectors: Tensor
    labels: Tensor
    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        width: int,
        classes: int,
        texts: int,
        k: int,
        metric: str,
        weights: str,
        smoothing: float,
        multi_label: bool,
    ) -> None:
        super().__init__()
        self.k, self.metric, self.weights, self.smoothing = k, metric, weights, smoothing
        self.multi_label = multi_label
        self.register_buffer("vectors", torch.zeros(texts, width))
        self.register_buffer("labels", torch.zeros(texts, classes, dtype=torch.int8))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))

    def forward(self, vectors: Tensor) -> Tensor:
        queries = (vectors - self.mean) / self.spread
        if self.metric == "cosine":
            queries = functional.normalize(queries, dim=1)
        distances = self.vectors.square().sum(dim=1) / 2 - queries @ self.vectors.T  # up to a constant of each query
        nearest = distances.topk(min(self.k, len(self.vectors)), largest=False).indices
        votes = self.votes(queries, nearest)
        counts = (votes[..., None] * self.labels[nearest]).sum(dim=1)
        total = votes.sum(dim=1, keepdim=True) + self.smoothing
        if self.multi_label:
            return ((counts + self.smoothing / 2) / total).logit()
        return ((counts + self.smoothing / counts.shape[1]) / total).log()

    def votes(self, queries: Tensor, nearest: Tensor) -> Tensor:
        """Return one vote for each text, or one over its distance; only copies of a query vote if there are any."""
        if self.weights == "uniform":
            return torch.ones_like(nearest, dtype=queries.dtype)
        distance = (self.vectors[nearest] - queries[:, None]).square().sum(dim=2)
        distance = distance / 2 if self.metric == "cosine" else distance.sqrt()
        is_copy = distance < 1e-6
        votes = torch.where(is_copy.any(dim=1, keepdim=True), is_copy.to(distance.dtype), 1 / distance.clamp(min=1e-6))
        return votes * nearest.shape[1] / votes.sum(dim=1, keepdim=True)
