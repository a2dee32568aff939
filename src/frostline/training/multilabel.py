"""Texts of several classes: each class is a yes or no of its own, with a threshold chosen on validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import MeanMetric, Metric
from torchmetrics.functional.classification import (
    binary_calibration_error,
    multilabel_confusion_matrix,
    multilabel_exact_match,
    multilabel_f1_score,
)
from torchmetrics.utilities import dim_zero_cat

EVEN = 0.5


def losses(logits: Tensor, labels: Tensor) -> Tensor:
    """logits (B, C), labels (B, C) of 0 and 1 -> binary cross-entropy of each text (B,), the mean over classes."""
    return functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="none").mean(dim=1)


class MultiLabelMetrics(nn.Module):
    """Loss, exact match as `accuracy`, micro- and macro-F1, F1 of each class, ECE over all yes and no (15 bins).

    F1 and exact match are at the thresholds, one a class, that `choose_thresholds` last found; before, at 0.5.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__()
        self.classes = list(classes)
        self.thresholds = [EVEN] * len(self.classes)
        self.loss = MeanMetric()
        self.kept = Kept()

    def chances(self, logits: Tensor) -> Tensor:
        """Of each class by itself (B, C), from logits (B, C)."""
        return logits.float().sigmoid()

    def update(self, logits: Tensor, labels: Tensor, weight: Tensor) -> None:
        """logits (B, C), labels (B, C), weight (B,): rows of weight 0 are left out."""
        kept = weight > 0
        own = losses(logits[kept].float(), labels[kept]).double()
        self.loss.update(own.sum() / kept.sum().clamp(min=1), kept.sum())
        self.kept.update(self.chances(logits[kept]), labels[kept])

    def choose_thresholds(self) -> None:
        """Of each class the threshold with the best F1 on what has been seen; a collective call.

        A class of which no text has been seen keeps 0.5.
        """
        chances, labels = self.kept.compute()
        self.thresholds = [best_threshold(chances[:, c], labels[:, c]) for c in range(len(self.classes))]

    def compute(self) -> dict[str, float]:
        """The flat scores over all ranks; a collective call."""
        chances, labels = self.kept.compute()
        predicted, count = self._predicted(chances), len(self.classes)
        by_class = multilabel_f1_score(predicted, labels, count, average="none").tolist()
        return {
            "loss": self.loss.compute().item(),
            "accuracy": multilabel_exact_match(predicted, labels, count).item(),
            "f1_micro": multilabel_f1_score(predicted, labels, count, average="micro").item(),
            "f1_macro": sum(by_class) / count,
            "ece": binary_calibration_error(chances.flatten(), labels.flatten(), n_bins=15).item(),
        } | {f"f1/{name}": value for name, value in zip(self.classes, by_class, strict=True)}

    def confusion(self) -> list[list[int]]:
        """A row a class: true negatives, false positives, false negatives, true positives; a collective call."""
        chances, labels = self.kept.compute()
        table: Tensor = multilabel_confusion_matrix(self._predicted(chances), labels, len(self.classes))
        rows: list[list[int]] = table.flatten(start_dim=1).tolist()
        return rows

    def reset(self) -> None:
        self.loss.reset()
        self.kept.reset()

    def _predicted(self, chances: Tensor) -> Tensor:
        return (chances.double() >= torch.tensor(self.thresholds, dtype=torch.double, device=chances.device)).long()


class Kept(Metric):
    """All chances (N, C) and labels (N, C) of a split: thresholds need them together."""

    chances: Any
    labels: Any

    def __init__(self) -> None:
        super().__init__()
        self.add_state("chances", [], dist_reduce_fx="cat")
        self.add_state("labels", [], dist_reduce_fx="cat")

    def update(self, chances: Tensor, labels: Tensor) -> None:
        self.chances.append(chances)
        self.labels.append(labels)

    def compute(self) -> tuple[Tensor, Tensor]:
        return dim_zero_cat(self.chances), dim_zero_cat(self.labels)


def best_threshold(chances: Tensor, labels: Tensor) -> float:
    """The threshold of one class with the best F1, midway between two chances; of equally good ones the highest."""
    positive = int(labels.sum())
    if positive == 0:
        return EVEN
    ordered, order = chances.double().sort(descending=True, stable=True)
    hits = labels[order].double().cumsum(0)
    taken = torch.arange(1, len(ordered) + 1, device=chances.device)
    below = torch.cat([ordered[1:], ordered.new_zeros(1)])
    f1 = (2 * hits / (taken + positive)).masked_fill(ordered == below, -1)  # equal chances go together
    best = int(f1.argmax())
    return float((ordered[best] + below[best]) / 2)
