from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from torch import Tensor
from torch.nn import functional

from frostline.training.losses.class_weights import ClassWeighted
from frostline.types import ClassWeights, Range


class CrossEntropy(ClassWeighted):
    """Cross-entropy; for multi-label data the binary one, a text's mean over classes.

    smoothing: the share of each label that is spread over all classes (arXiv:1512.00567).
    class_weights: the factor on the loss of each class's texts, in order of the classes; `balanced`: texts / (classes x
    texts of the class) in train. Of multi-label data it weighs the yes of each class.

    Raises:
        UserError: not as many weights as classes.
    """

    def __init__(
        self,
        counts: Sequence[int],
        multi_label: bool = False,
        smoothing: Annotated[float, Range(low=0, high=1, open_high=True)] = 0.0,
        class_weights: ClassWeights = None,
    ) -> None:
        super().__init__(counts, multi_label, class_weights)
        self.smoothing = smoothing

    def forward(self, logits: Tensor, labels: Tensor, vectors: Tensor | None = None) -> Tensor:
        """logits (B, C), labels (B,), or (B, C) of 0 and 1 -> losses (B,)."""
        if not self.multi_label:
            return functional.cross_entropy(
                logits, labels, self.weights, reduction="none", label_smoothing=self.smoothing
            )
        told = labels.to(logits.dtype) * (1 - self.smoothing) + self.smoothing / 2
        losses = functional.binary_cross_entropy_with_logits(logits, told, reduction="none", pos_weight=self.weights)
        return losses.mean(dim=1)
