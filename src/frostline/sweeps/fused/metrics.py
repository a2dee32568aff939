"""The scores of several heads on the same texts, all at once; the same that `Scores` gives for each.

Shapes: J heads, N texts, C classes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

BINS = 15  # of the calibration error, arXiv:1706.04599


def scores(logits: Tensor, labels: Tensor, classes: list[str]) -> list[dict[str, float]]:
    """logits (J, N, C), labels (N,) -> the flat scores of each head."""
    heads, texts, count = logits.shape
    every = labels.expand(heads, texts)
    losses = functional.cross_entropy(logits.float().flatten(0, 1), every.flatten(), reduction="none")
    surest, told = logits.float().softmax(dim=-1).max(dim=-1)
    found = {
        "loss": losses.view(heads, texts).double().mean(dim=1),
        "accuracy": (told == every).double().mean(dim=1),
    }
    by_class = _f1(_confusion(told, every, count))
    found |= {"f1_macro": by_class.mean(dim=1), "ece": _ece(surest, told == every)}
    found |= {f"f1/{name}": by_class[:, c] for c, name in enumerate(classes)}
    return [dict(zip(found, row, strict=True)) for row in torch.stack([*found.values()], dim=1).tolist()]


def _confusion(told: Tensor, labels: Tensor, classes: int) -> Tensor:
    """told, labels (J, N) -> (J, C, C), true classes down."""
    heads = len(told)
    cells = (torch.arange(heads, device=told.device)[:, None] * classes + labels) * classes + told
    return torch.bincount(cells.flatten(), minlength=heads * classes**2).view(heads, classes, classes)


def _f1(confusion: Tensor) -> Tensor:
    """(J, C, C) -> (J, C): 0 for a class that is neither there nor told."""
    hits = confusion.diagonal(dim1=1, dim2=2).double()
    return 2 * hits / (confusion.sum(dim=1) + confusion.sum(dim=2)).clamp(min=1)


def _ece(sureness: Tensor, right: Tensor) -> Tensor:
    """Sureness and whether it was right (J, N) -> (J,)."""
    heads, texts = sureness.shape
    edges = torch.linspace(0, 1, BINS + 1, device=sureness.device)
    bins = (torch.bucketize(sureness, edges, right=True) - 1).clamp(max=BINS)
    cells = (torch.arange(heads, device=bins.device)[:, None] * (BINS + 1) + bins).flatten()
    gaps = torch.zeros(heads * (BINS + 1), dtype=torch.double, device=bins.device)
    gaps.index_add_(0, cells, (right.double() - sureness).flatten())
    return gaps.view(heads, -1).abs().sum(dim=1) / texts
