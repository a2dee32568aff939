from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from frostline.training.losses.class_weights import ClassWeighted
from frostline.types import ClassWeights, NonNegative


class Focal(ClassWeighted):
    """Focal loss (arXiv:1708.02002): cross-entropy times (1 - chance of the label) ** gamma.

    What is told well already counts less; gamma 2 is the paper's, 0 is cross-entropy. For multi-label data the binary
    one, a text's mean over classes. class_weights: as in cross_entropy, the paper's alpha.

    Raises:
        UserError: not as many weights as classes.
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
        """logits (B, C), labels (B,), or (B, C) of 0 and 1 -> losses (B,)."""
        if self.multi_label:
            told = labels.to(logits.dtype)
            plain = functional.binary_cross_entropy_with_logits(logits, told, reduction="none")
            weight = 1.0 if self.weights is None else told * self.weights + (1 - told)
            return (weight * self._focused(plain)).mean(dim=1)
        plain = functional.cross_entropy(logits, labels, reduction="none")
        return self._focused(plain) * (1.0 if self.weights is None else self.weights[labels])

    def _focused(self, plain: Tensor) -> Tensor:
        """From minus the log of the label's chance."""
        return (1 - (-plain).exp()).clamp(min=1e-12) ** self.gamma * plain  # at 0 itself a root has no slope
