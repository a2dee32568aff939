from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from frostline.errors import user_error
from frostline.models.interfaces import GlobalBatch
from frostline.models.numerics import cosine_similarities
from frostline.training.losses.positive_pairs import check_positive_pairs
from frostline.types import Count


class Contrastive(nn.Module):
    """SetFit's pair loss (arXiv:2209.11055): (cosine - 1)^2 for two texts of one class, cosine^2 for two classes.

    For each text, `pairs` partners of its class and as many of other classes are drawn in each epoch. So an epoch has
    2 x pairs x texts pairs, and the R of the paper (20) corresponds to the number of epochs. The pairs depend only on
    the seed of the run and on the epoch or the step.

    partners: `train`: partners are drawn from the whole training set, as in the paper, and a batch of
        dataset.batch_size texts has half as many pairs. `batch`: partners are sampled from the other texts of a batch
        of all ranks, or fewer if it has fewer, so that an epoch reads each text once; a text that is the only one of
        its class in the batch has no partner of its class.

    Raises:
        UserError: the data is multi-label, or no class has two training texts.
    """

    uses_only_embeddings = True
    in_batch: bool = True
    single_label = True

    def __init__(
        self,
        counts: Sequence[int] = (),
        multi_label: bool = False,
        pairs: Count = 1,
        partners: Literal["train", "batch"] = "train",
    ) -> None:
        super().__init__()
        if multi_label:
            what = "contrastive pairs texts of one class each, and these have several"
            raise user_error("loss", what, "choose loss=cross_entropy with a trainable head")
        check_positive_pairs(counts)
        self.pairs, self.partners = pairs, partners

    @property
    def drawn_pairs(self) -> int:
        """Return the number of partners of its class that are drawn for each text from all of train; 0: none are."""
        return self.pairs if self.partners == "train" else 0

    def forward(self, logits: Tensor, labels: Tensor, vectors: Tensor, batch: GlobalBatch) -> Tensor:
        """Return the losses (B,) of vectors (B, D) with labels (B,); the logits (B, C) are not used."""
        return self._drawn(batch) if self.drawn_pairs else self._within_batch(batch)

    def _drawn(self, batch: GlobalBatch) -> Tensor:
        """Return for each text of this rank the loss of its pair: rows 2k and 2k + 1 of the batch are a pair."""
        rows = batch.local_rows
        partners = rows ^ 1
        similarities = functional.cosine_similarity(batch.vectors[rows].float(), batch.vectors[partners].float())
        return (similarities - (batch.labels[rows] == batch.labels[partners]).float()).square()

    def _within_batch(self, batch: GlobalBatch) -> Tensor:
        """Return for each text of this rank the mean over its pairs with other texts of the batch."""
        similarities = cosine_similarities(batch.vectors[batch.local_rows], batch.vectors)
        masks = self.draw_pairs(batch.labels.cpu(), batch.seed)
        same, other = (mask.to(similarities.device)[batch.local_rows] for mask in masks)
        errors = ((similarities - 1).square() * same).sum(dim=1) + (similarities.square() * other).sum(dim=1)
        return errors / (same | other).sum(dim=1).clamp(min=1)

    def draw_pairs(self, labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """Return the partners of each text in a batch: two masks (N, N), for the same class and for other classes.

        labels: (N,).
        """
        same_class = labels[:, None] == labels
        scores = torch.rand(len(labels), len(labels), generator=torch.Generator().manual_seed(seed))
        itself = torch.eye(len(labels), dtype=torch.bool)
        return self._choose_partners(scores, same_class & ~itself), self._choose_partners(scores, ~same_class)

    def _choose_partners(self, scores: Tensor, possible: Tensor) -> Tensor:
        best = scores.masked_fill(~possible, -1).topk(min(self.pairs, len(scores)), dim=1).indices
        return torch.zeros_like(possible).scatter(1, best, True) & possible
