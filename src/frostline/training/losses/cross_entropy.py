from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from torch import Tensor
from torch.nn import functional

from frostline.training.losses.class_weights import ClassWeighted
from frostline.types import ClassWeights, Range


class CrossEntropy(ClassWeighted):
    """Cross-entropy; for multi-label data binary cross-entropy, the mean over the classes of a text.

    label_smoothing: the part of each label that is distributed over all classes (arXiv:1512.00567).
    class_weights: a weight for the loss of each class's texts, in the order of the classes; `balanced`: number of
    texts / (number of classes x texts of the class) in the training set. For multi-label data it weights the positive
    term of each class.

    Raises:
        UserError: the number of weights is not the number of classes.
    """

    def __init__(
        self,
        counts: Sequence[int],
        multi_label: bool = False,
        label_smoothing: Annotated[float, Range(low=0, high=1, open_high=True)] = 0.0,
        class_weights: ClassWeights = None,
    ) -> None:
        super().__init__(counts, multi_label, class_weights)
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, labels: Tensor, vectors: Tensor | None = None) -> Tensor:
        """Return the losses (B,) of logits (B, C) with labels (B,), or (B, C) of zeros and ones."""
        if not self.multi_label:
            return functional.cross_entropy(
                logits, labels, self.weights, reduction="none", label_smoothing=self.label_smoothing
            )
        targets = labels.to(logits.dtype) * (1 - self.label_smoothing) + self.label_smoothing / 2
        losses = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none", pos_weight=self.weights)
        return losses.mean(dim=1)
