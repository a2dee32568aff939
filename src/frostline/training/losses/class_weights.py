"""The base class of losses with class weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from frostline.errors import user_error
from frostline.types import ClassWeights


class ClassWeighted(nn.Module):
    """A loss with a weight for each class, `weights` (C,), or None. Checkpoints do not contain the weights.

    counts: the number of training texts of each class.

    Raises:
        UserError: the number of weights is not the number of classes.
    """

    weights: Tensor | None

    def __init__(self, counts: Sequence[int], multi_label: bool, class_weights: ClassWeights) -> None:
        super().__init__()
        self.multi_label = multi_label
        self.register_buffer("weights", weights_of_classes(class_weights, counts), persistent=False)


def weights_of_classes(class_weights: ClassWeights, counts: Sequence[int]) -> Tensor | None:
    """Return the weights (C,); `balanced`: number of texts / (number of classes x texts of the class).

    Raises:
        UserError: the number of weights is not the number of classes.
    """
    if class_weights is None:
        return None
    if isinstance(class_weights, str):
        total = sum(counts)
        return torch.tensor([total / (len(counts) * max(count, 1)) for count in counts])
    if len(class_weights) != len(counts):
        do = f"give {len(counts)}, in the order of the classes"
        raise user_error("loss.class_weights", f"{len(class_weights)} weights for {len(counts)} classes", do)
    return torch.tensor(list(class_weights), dtype=torch.float32)
