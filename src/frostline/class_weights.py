"""How much each class's texts weigh in a loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from frostline.errors import wrong


def class_weights(given: str | Sequence[float] | None, counts: Sequence[int]) -> Tensor | None:
    """One factor a class (C,). `balanced`: texts / (classes x texts of the class); counts: the texts of each in train.

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
