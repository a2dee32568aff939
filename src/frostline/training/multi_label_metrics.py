"""Metrics of a split whose texts can have several classes, and the threshold of each class."""

from __future__ import annotations

import math
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

from frostline.results.metric_names import class_f1
from frostline.training.metrics import BINS, undefined_if_nan

DEFAULT_THRESHOLD = 0.5


class MultiLabelMetrics(nn.Module):
    """Loss, exact match as `accuracy`, micro- and macro-F1, F1 of each class, and ECE, for texts of several classes.

    A class is predicted from its threshold on. Thresholds are 0.5 until `choose_thresholds` chooses them. The ECE is
    that of all single yes-or-no predictions.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__()
        self.classes = list(classes)
        self.thresholds = [DEFAULT_THRESHOLD] * len(self.classes)
        self.loss = MeanMetric(nan_strategy=math.nan)  # by default it leaves out batches whose loss is nan
        self.predictions = LabelledProbabilities()

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return the probability of each class by itself (B, C) from logits (B, C)."""
        return logits.float().sigmoid()

    def update(self, logits: Tensor, labels: Tensor, weight: Tensor) -> None:
        """Add a batch: logits (B, C), labels (B, C), weight (B,). Rows of weight 0 do not count."""
        counted = weight > 0
        losses = multi_label_losses(logits[counted].float(), labels[counted]).double()
        self.loss.update(losses.sum() / counted.sum().clamp(min=1), counted.sum())
        self.predictions.update(self.probabilities(logits[counted]), labels[counted])

    def choose_thresholds(self) -> None:
        """Choose for each class the threshold with the best F1 on the texts since the last reset. A collective call.

        A class without a text keeps 0.5.
        """
        probabilities, labels = self.predictions.compute()
        self.thresholds = [best_threshold(probabilities[:, c], labels[:, c]) for c in range(len(self.classes))]

    def compute(self) -> dict[str, float]:
        """Return the metrics over all ranks by name. A collective call."""
        probabilities, labels = self.predictions.compute()
        predicted, count = self._predict(probabilities), len(self.classes)
        f1_by_class = multilabel_f1_score(predicted, labels, count, average="none").tolist()
        metrics = {
            "loss": self.loss.compute().item(),
            "accuracy": multilabel_exact_match(predicted, labels, count).item(),
            "f1_micro": multilabel_f1_score(predicted, labels, count, average="micro").item(),
            "f1_macro": sum(f1_by_class) / count,
            "ece": binary_calibration_error(probabilities.flatten(), labels.flatten(), n_bins=BINS).item(),
        }
        return undefined_if_nan(metrics | class_f1(self.classes, f1_by_class))

    def confusion(self) -> list[list[int]]:
        """Return a row for each class: true negatives, false positives, false negatives, true positives.

        A collective call.
        """
        probabilities, labels = self.predictions.compute()
        matrices: Tensor = multilabel_confusion_matrix(self._predict(probabilities), labels, len(self.classes))
        rows: list[list[int]] = matrices.flatten(start_dim=1).tolist()
        return rows

    def reset(self) -> None:
        self.loss.reset()
        self.predictions.reset()

    def _predict(self, probabilities: Tensor) -> Tensor:
        thresholds = torch.tensor(self.thresholds, dtype=torch.double, device=probabilities.device)
        return (probabilities.double() >= thresholds).long()


class LabelledProbabilities(Metric):
    """All probabilities (N, C) and labels (N, C) of a split, because thresholds depend on all of them."""

    probabilities: Any
    labels: Any

    def __init__(self) -> None:
        super().__init__()
        self.add_state("probabilities", [], dist_reduce_fx="cat")
        self.add_state("labels", [], dist_reduce_fx="cat")

    def update(self, probabilities: Tensor, labels: Tensor) -> None:
        self.probabilities.append(probabilities)
        self.labels.append(labels)

    def compute(self) -> tuple[Tensor, Tensor]:
        return dim_zero_cat(self.probabilities), dim_zero_cat(self.labels)


def multi_label_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the binary cross-entropy of each text (B,), the mean over classes, of logits and labels (B, C)."""
    return functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="none").mean(dim=1)


def best_threshold(probabilities: Tensor, labels: Tensor) -> float:
    """Return the threshold of one class with the best F1, the highest of equals, midway between two probabilities.

    probabilities and labels are (N,). Without a text of the class the threshold is 0.5.
    """
    positives = int(labels.sum())
    if positives == 0:
        return DEFAULT_THRESHOLD
    ordered, order = probabilities.double().sort(descending=True, stable=True)
    true_positives = labels[order].double().cumsum(0)
    predicted = torch.arange(1, len(ordered) + 1, device=probabilities.device)
    lower = torch.cat([ordered[1:], ordered.new_zeros(1)])
    f1 = (2 * true_positives / (predicted + positives)).masked_fill(ordered == lower, -1)  # equal ones stay together
    best = int(f1.argmax())
    return float((ordered[best] + lower[best]) / 2)
