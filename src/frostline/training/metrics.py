"""Metrics of a split whose texts have one class each; each text counts once on any number of ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import MeanMetric, Metric
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassCalibrationError,
    MulticlassConfusionMatrix,
)

from frostline.results.metric_names import MAX_CLASSES, class_f1

NO_CLASS = -1
BINS = 15  # of the calibration error, as in arXiv:1706.04599


class ClassificationMetrics(nn.Module):
    """Loss, accuracy, macro-F1, ECE, F1 of each class and the confusion matrix, for texts of one class each.

    With more than MAX_CLASSES classes there is neither the F1 of each nor the matrix, which has a cell for each pair.
    `stacked_scores` in `sweeps/fused/metrics.py` computes the same scores for many heads at once.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__()
        count = len(classes)
        self.classes = list(classes)
        self.loss = MeanMetric(nan_strategy=math.nan)  # by default it leaves out batches whose loss is nan
        self.accuracy = MulticlassAccuracy(count, average="micro", ignore_index=NO_CLASS)
        self.counts = ClassCounts(count)
        self.ece = MulticlassCalibrationError(count, n_bins=BINS, ignore_index=NO_CLASS)
        has_matrix = count <= MAX_CLASSES
        self.confusion_matrix = MulticlassConfusionMatrix(count, ignore_index=NO_CLASS) if has_matrix else None

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return the class probabilities (B, C) of logits (B, C)."""
        return logits.float().softmax(dim=-1)

    def update(self, logits: Tensor, labels: Tensor, weight: Tensor) -> None:
        """Add a batch: logits (B, C), labels (B,), weight (B,). Rows of weight 0 do not count."""
        counted = weight > 0
        losses = functional.cross_entropy(logits[counted].float(), labels[counted], reduction="none").double()
        self.loss.update(losses.sum() / counted.sum().clamp(min=1), counted.sum())
        probabilities = self.probabilities(logits.masked_fill(~counted[:, None], 0))
        for metric in filter(None, (self.accuracy, self.ece, self.confusion_matrix)):  # none accepts an empty batch
            metric.update(probabilities, labels.masked_fill(~counted, NO_CLASS))
        self.counts.update(probabilities[counted].argmax(dim=1), labels[counted])

    def compute(self) -> dict[str, float]:
        """Return the metrics over all ranks by name. A collective call."""
        f1_by_class = self.counts.compute().tolist()
        metrics = {
            "loss": self.loss.compute().item(),
            "accuracy": self.accuracy.compute().item(),
            "f1_macro": sum(f1_by_class) / len(f1_by_class),
            "ece": self.ece.compute().item(),
        }
        return undefined_if_nan(metrics | class_f1(self.classes, f1_by_class))

    def confusion(self) -> list[list[int]] | None:
        """Return the confusion matrix: rows are true classes, columns are predicted ones. A collective call."""
        if self.confusion_matrix is None:
            return None
        matrix: list[list[int]] = self.confusion_matrix.compute().tolist()
        return matrix

    def reset(self) -> None:
        for metric in filter(None, (self.loss, self.accuracy, self.counts, self.ece, self.confusion_matrix)):
            metric.reset()


class ClassCounts(Metric):
    """The F1 of each class, from three counts for each: texts that have it, that are predicted as it, and both."""

    correct: Tensor
    true: Tensor
    predicted: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes
        for name in ("correct", "true", "predicted"):
            self.add_state(name, torch.zeros(classes, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, predicted: Tensor, labels: Tensor) -> None:
        """Add predicted and true classes (B,)."""
        self.true += labels.bincount(minlength=self.classes)
        self.predicted += predicted.bincount(minlength=self.classes)
        self.correct += labels[labels == predicted].bincount(minlength=self.classes)

    def compute(self) -> Tensor:
        """Return the F1 (C,); 0 for a class that is neither present nor predicted."""
        return 2.0 * self.correct / (self.true + self.predicted).clamp(min=1)


def undefined_if_nan(metrics: dict[str, float]) -> dict[str, float]:
    """Return the metrics of a split, all of them nan if the loss is: without a probability no class is predicted."""
    return dict.fromkeys(metrics, math.nan) if math.isnan(metrics["loss"]) else metrics
