"""Metrics of a run with several tasks: those of each task by itself, and their summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from frostline.models.model import Model
from frostline.models.task_heads import TaskHeads
from frostline.training.metrics import ClassificationMetrics, undefined_if_nan
from frostline.training.multi_label_metrics import MultiLabelMetrics

OF_EACH_TASK = ("loss", "accuracy", "f1_macro", "ece")


class TaskMetrics(ClassificationMetrics):
    """The metrics of all texts, with the mean over tasks as macro-F1, and those of each task as `<task>/<name>`.

    spans: the indices of the classes of each task.
    """

    def __init__(self, classes: Sequence[str], spans: Mapping[str, range]) -> None:
        super().__init__(classes)
        self.spans = dict(spans)
        parts: list[Any] = [ClassificationMetrics([classes[c] for c in span]) for span in spans.values()]
        self.of_task = nn.ModuleList(parts)

    @property
    def _parts(self) -> list[Any]:
        """The metrics of each task; `nn.ModuleList` has no type for its members."""
        return list(self.of_task)

    def update(self, logits: Tensor, labels: Tensor, weight: Tensor) -> None:
        """Add a batch: logits (B, C), labels (B,), weight (B,). Rows of weight 0 do not count."""
        super().update(logits, labels, weight)
        for metrics, span in zip(self._parts, self.spans.values(), strict=True):
            is_of_task = (labels >= span.start) & (labels < span.stop)
            local = (labels - span.start).clamp(0, len(span) - 1)
            metrics.update(logits[:, span.start : span.stop], local, weight * is_of_task)

    def compute(self) -> dict[str, float]:
        """Return the metrics over all ranks by name. A collective call."""
        by_task = [metrics.compute() for metrics in self._parts]
        metrics = super().compute()
        metrics["f1_macro"] = sum(values["f1_macro"] for values in by_task) / len(by_task)
        for task, values in zip(self.spans, by_task, strict=True):
            metrics |= {f"{task}/{name}": values[name] for name in OF_EACH_TASK}
        return undefined_if_nan(metrics)

    def reset(self) -> None:
        super().reset()
        for metrics in self._parts:
            metrics.reset()


def make_metrics(model: Model, classes: Sequence[str], multi_label: bool) -> ClassificationMetrics | MultiLabelMetrics:
    """Return the metrics for texts of one class each, of several classes each, or of several tasks."""
    if isinstance(model.head, TaskHeads):
        return TaskMetrics(classes, model.head.spans)
    return MultiLabelMetrics(classes) if multi_label else ClassificationMetrics(classes)
