"""Losses in which each class's texts weigh as much as is asked."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from frostline.errors import wrong
from frostline.types import ClassWeights


class ClassWeighted(nn.Module):
    """weights (C,): one factor a class, None for none; beside the model, in no checkpoint.

    counts: the texts of each class in train.

    Raises:
        UserError: not as many weights as classes.
    """

    weights: Tensor | None

    def __init__(self, counts: Sequence[int], multi_label: bool, class_weights: ClassWeights) -> None:
        super().__init__()
        self.multi_label = multi_label
        self.register_buffer("weights", _factors(class_weights, counts), persistent=False)


def _factors(given: ClassWeights, counts: Sequence[int]) -> Tensor | None:
    """`balanced`: texts / (classes x texts of the class).

    Raises:
        UserError: not as many weights as classes.
    """
    if given is None:
        return None
    if isinstance(given, str):
        total = sum(counts)
        return torch.tensor([total / (len(counts) * max(count, 1)) for count in counts])
    if len(given) != len(counts):
        do = f"give {len(counts)}, in the order of the classes"
        raise wrong("loss.class_weights", f"{len(given)} weights for {len(counts)} classes", do)
    return torch.tensor(list(given), dtype=torch.float32)
