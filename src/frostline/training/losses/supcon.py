from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from frostline.errors import wrong
from frostline.models.interfaces import WholeBatch
from frostline.models.numerics import cosines
from frostline.types import Positive, Share


class SupCon(nn.Module):
    """Supervised contrastive fine-tuning (arXiv:2011.01403): (1 - weight) x cross-entropy + weight x contrast.

    A text's contrast is the mean, over the others of its class in the batch, of minus the log of their share of
    exp(cosine / temperature) among all others: equation 3 on normalised vectors, with the mean over texts where the
    paper writes the sum. A text alone in its class has none. The batch is that of all ranks. The defaults are those
    that the paper found best most often.

    Raises:
        UserError: texts have several classes.
    """

    in_batch: bool = True

    def __init__(self, multi_label: bool = False, weight: Share = 0.9, temperature: Positive = 0.3) -> None:
        super().__init__()
        if multi_label:
            what = "supcon pairs texts of one class each, and these have several"
            raise wrong("loss", what, "choose loss=cross_entropy or loss=focal")
        self.weight, self.temperature = weight, temperature

    def forward(self, logits: Tensor, labels: Tensor, vectors: Tensor, whole: WholeBatch) -> Tensor:
        """logits (B, C), labels (B,), vectors (B, D) -> losses (B,)."""
        plain = functional.cross_entropy(logits, labels, reduction="none")
        return (1 - self.weight) * plain + self.weight * self._contrast(whole)

    def _contrast(self, whole: WholeBatch) -> Tensor:
        near = cosines(whole.vectors[whole.own], whole.vectors)
        itself = torch.eye(near.shape[1], dtype=torch.bool, device=near.device)[whole.own]
        alike = (whole.labels[whole.own, None] == whole.labels) & ~itself
        powers = (near / self.temperature).masked_fill(itself, torch.finfo(near.dtype).min)
        shares = powers.log_softmax(dim=1).masked_fill(~alike, 0)
        return -shares.sum(dim=1) / alike.sum(dim=1).clamp(min=1)
