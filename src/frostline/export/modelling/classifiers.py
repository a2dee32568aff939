"""Heads of an exported folder, each with the weights of the head of the same name in frostline.models.heads."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class LinearClassifier(nn.Module):
    """One linear layer."""

    def __init__(self, width: int, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(width, classes)

    def forward(self, vectors: Tensor) -> Tensor:
        logits: Tensor = self.out(self.dropout(vectors))
        return logits


class MlpClassifier(nn.Module):
    """One hidden layer with GELU."""

    def __init__(self, width: int, hidden: int, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, hidden)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, classes)

    def forward(self, vectors: Tensor) -> Tensor:
        logits: Tensor = self.out(self.dropout(functional.gelu(self.hidden(vectors))))
        return logits


class LogisticClassifier(nn.Module):
    """The coefficients of a logistic regression."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(classes, width))
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, vectors: Tensor) -> Tensor:
        return functional.linear(vectors, self.weight, self.bias)


class CosineClassifier(nn.Module):
    """The cosine between a vector and the weights of each class, times a scale."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(classes, width))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, vectors: Tensor) -> Tensor:
        units = functional.normalize(self.weight, dim=1)
        return self.scale * functional.linear(functional.normalize(vectors, dim=1), units)


class LabelSimilarityClassifier(nn.Module):
    """The cosine between a vector and the embedding of each class, over a temperature."""

    def __init__(self, width: int, classes: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.weight = nn.Parameter(torch.zeros(classes, width))

    def forward(self, vectors: Tensor) -> Tensor:
        units = functional.normalize(self.weight, dim=1)
        return functional.linear(functional.normalize(vectors, dim=1), units) / self.temperature


class PrototypeClassifier(nn.Module):
    """Minus the squared distance to the mean vector of each class, or the cosine with it, over a temperature."""

    means: Tensor
    mean: Tensor
    spread: Tensor
    seen: Tensor

    def __init__(self, width: int, classes: int, metric: str, temperature: float) -> None:
        super().__init__()
        self.metric, self.temperature = metric, temperature
        self.register_buffer("means", torch.zeros(classes, width))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.register_buffer("seen", torch.ones(classes, dtype=torch.bool))

    def forward(self, vectors: Tensor) -> Tensor:
        vectors = (vectors - self.mean) / self.spread
        if self.metric == "cosine":
            similarities = functional.normalize(vectors, dim=1) @ functional.normalize(self.means, dim=1).T
        else:
            similarities = -(vectors[:, None] - self.means).square().sum(dim=2)
        logits = similarities / self.temperature
        return torch.where(self.seen, logits, logits.amin(dim=1, keepdim=True) - 10.0)  # a class without texts is last
