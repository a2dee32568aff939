"""What is measured on a split: torchmetrics, each text counted once on any number of ranks."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import MeanMetric
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassCalibrationError,
    MulticlassConfusionMatrix,
    MulticlassF1Score,
)

NO_CLASS = -1


class ClassificationMetrics(nn.Module):
    """Accuracy, macro-F1, loss, ECE (15 bins, arXiv:1706.04599), F1 of each class and the confusion matrix."""

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__()
        count = len(classes)
        self.classes = list(classes)
        self.loss = MeanMetric()
        self.accuracy = MulticlassAccuracy(count, average="micro", ignore_index=NO_CLASS)
        self.f1 = MulticlassF1Score(count, average="none", ignore_index=NO_CLASS)
        self.ece = MulticlassCalibrationError(count, n_bins=15, ignore_index=NO_CLASS)
        self.confusion_matrix = MulticlassConfusionMatrix(count, ignore_index=NO_CLASS)

    def chances(self, logits: Tensor) -> Tensor:
        """Of each class (B, C), from logits (B, C)."""
        return logits.float().softmax(dim=-1)

    def update(self, logits: Tensor, labels: Tensor, weight: Tensor) -> None:
        """logits (B, C), labels (B,), weight (B,): rows of weight 0 are left out."""
        kept = weight > 0
        losses = functional.cross_entropy(logits[kept].float(), labels[kept], reduction="none").double()
        self.loss.update(losses.sum() / kept.sum().clamp(min=1), kept.sum())
        chances = self.chances(logits.masked_fill(~kept[:, None], 0))
        for metric in (self.accuracy, self.f1, self.ece, self.confusion_matrix):  # none takes an empty batch
            metric.update(chances, labels.masked_fill(~kept, NO_CLASS))

    def compute(self) -> dict[str, float]:
        """The flat scores over all ranks; a collective call."""
        by_class = self.f1.compute().tolist()
        return {
            "loss": self.loss.compute().item(),
            "accuracy": self.accuracy.compute().item(),
            "f1_macro": sum(by_class) / len(by_class),
            "ece": self.ece.compute().item(),
        } | {f"f1/{name}": value for name, value in zip(self.classes, by_class, strict=True)}

    def confusion(self) -> list[list[int]]:
        """Rows are true classes, columns predicted ones; a collective call."""
        table: list[list[int]] = self.confusion_matrix.compute().tolist()
        return table

    def reset(self) -> None:
        for metric in (self.loss, self.accuracy, self.f1, self.ece, self.confusion_matrix):
            metric.reset()
