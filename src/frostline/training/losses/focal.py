from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from frostline.training.losses.class_weights import ClassWeighted
from frostline.types import ClassWeights, NonNegative


class Focal(ClassWeighted):
    """Focal loss (arXiv:1708.02002): (1 - probability of the label)^gamma x cross-entropy.

    Texts that are already predicted well count less. The paper uses gamma 2; with gamma 0 it is cross-entropy. For
    multi-label data it is the binary focal loss, the mean over the classes of a text.

    class_weights: as in cross_entropy; the paper's alpha.

    Raises:
        UserError: the number of weights is not the number of classes.
    """

    def __init__(
        self,
        counts: Sequence[int],
        multi_label: bool = False,
        gamma: NonNegative = 2.0,
        class_weights: ClassWeights = None,
    ) -> None:
        super().__init__(counts, multi_label, class_weights)
        self.gamma = gamma

    def forward(self, logits: Tensor, labels: Tensor, vectors: Tensor | None = None) -> Tensor:
        """Return the losses (B,) of logits (B, C) with labels (B,), or (B, C) of zeros and ones."""
        if self.multi_label:
            targets = labels.to(logits.dtype)
            cross_entropy = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
            weight = 1.0 if self.weights is None else targets * self.weights + (1 - targets)
            return (weight * self._focal(cross_entropy)).mean(dim=1)
        cross_entropy = functional.cross_entropy(logits, labels, reduction="none")
        return self._focal(cross_entropy) * (1.0 if self.weights is None else self.weights[labels])

    def _focal(self, cross_entropy: Tensor) -> Tensor:
        """Return the focal loss from the cross-entropy, of which exp(-cross_entropy) is the label's probability."""
        # The clamp avoids the infinite slope that a root has at 0.
        return (1 - (-cross_entropy).exp()).clamp(min=1e-12) ** self.gamma * cross_entropy
