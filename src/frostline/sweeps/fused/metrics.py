"""The metrics of several heads on the same texts at once, equal to those that `training.metrics` computes for each.

Shapes: J heads, N texts, C classes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from frostline.results.metric_names import class_f1
from frostline.training.metrics import BINS, undefined_if_nan


def stacked_scores(logits: Tensor, labels: Tensor, classes: list[str]) -> list[dict[str, float]]:
    """Return the metrics of each head by name, from logits (J, N, C) and labels (N,)."""
    heads, texts, count = logits.shape
    expanded = labels.expand(heads, texts)
    losses = functional.cross_entropy(logits.float().flatten(0, 1), expanded.flatten(), reduction="none")
    confidence, predicted = logits.float().softmax(dim=-1).max(dim=-1)
    correct = predicted == expanded
    metrics = {"loss": losses.view(heads, texts).double().mean(dim=1), "accuracy": correct.double().mean(dim=1)}
    by_class = _f1_by_class(predicted, expanded, count)
    metrics |= {"f1_macro": by_class.mean(dim=1), "ece": _calibration_errors(confidence, correct)}
    metrics |= class_f1(classes, by_class.unbind(dim=1))
    rows = torch.stack([*metrics.values()], dim=1).tolist()
    return [undefined_if_nan(dict(zip(metrics, row, strict=True))) for row in rows]


def _f1_by_class(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Return F1 (J, C) from predicted and true classes (J, N); 0 for a class that is neither present nor predicted."""
    heads = len(predicted)
    first = torch.arange(heads, device=predicted.device)[:, None] * classes

    def count(cells: Tensor) -> Tensor:
        return torch.bincount(cells.flatten(), minlength=heads * classes).view(heads, classes)

    correct = count((labels + first)[predicted == labels]).double()
    return 2 * correct / (count(labels + first) + count(predicted + first)).clamp(min=1)


def _calibration_errors(confidence: Tensor, correct: Tensor) -> Tensor:
    """Return the expected calibration errors (J,) from the confidence and correctness (J, N) of predictions."""
    heads, texts = confidence.shape
    edges = torch.linspace(0, 1, BINS + 1, device=confidence.device)
    bins = (torch.bucketize(confidence, edges, right=True) - 1).clamp(max=BINS)
    cells = (torch.arange(heads, device=bins.device)[:, None] * (BINS + 1) + bins).flatten()
    gaps = torch.zeros(heads * (BINS + 1), dtype=torch.double, device=bins.device)
    gaps.index_add_(0, cells, (correct.double() - confidence).flatten())
    return gaps.view(heads, -1).abs().sum(dim=1) / texts
