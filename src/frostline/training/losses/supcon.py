from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from frostline.errors import user_error
from frostline.models.interfaces import GlobalBatch
from frostline.models.numerics import cosine_similarities
from frostline.training.losses.positive_pairs import check_positive_pairs
from frostline.types import Positive, Share


class SupCon(nn.Module):
    """Supervised contrastive fine-tuning (arXiv:2011.01403): (1 - weight) x cross-entropy + weight x contrastive loss.

    The contrastive loss of a text is the mean, over the other texts of its class in the batch, of minus the log of
    their share of exp(cosine / temperature) among all other texts. This is equation 3 of the paper on normalised
    vectors, with the mean over texts instead of its sum. For a text that is alone in its class it is 0. The batch is
    that of all ranks. The defaults are the values that the paper selected most often.

    Raises:
        UserError: the data is multi-label, or no class has two training texts.
    """

    in_batch: bool = True
    single_label = True

    def __init__(
        self,
        counts: Sequence[int] = (),
        multi_label: bool = False,
        weight: Share = 0.9,
        temperature: Positive = 0.3,
    ) -> None:
        super().__init__()
        if multi_label:
            what = "supcon pairs texts of one class each, and these have several"
            raise user_error("loss", what, "choose loss=cross_entropy or loss=focal")
        check_positive_pairs(counts)
        self.weight, self.temperature = weight, temperature

    def forward(self, logits: Tensor, labels: Tensor, vectors: Tensor, batch: GlobalBatch) -> Tensor:
        """Return the losses (B,) of logits (B, C) and vectors (B, D) with labels (B,)."""
        cross_entropy = functional.cross_entropy(logits, labels, reduction="none")
        return (1 - self.weight) * cross_entropy + self.weight * self._contrastive_loss(batch)

    def _contrastive_loss(self, batch: GlobalBatch) -> Tensor:
        similarities = cosine_similarities(batch.vectors[batch.local_rows], batch.vectors)
        itself = torch.eye(similarities.shape[1], dtype=torch.bool, device=similarities.device)[batch.local_rows]
        same_class = (batch.labels[batch.local_rows, None] == batch.labels) & ~itself
        scores = (similarities / self.temperature).masked_fill(itself, torch.finfo(similarities.dtype).min)
        log_shares = scores.log_softmax(dim=1).masked_fill(~same_class, 0)
        return -log_shares.sum(dim=1) / same_class.sum(dim=1).clamp(min=1)
