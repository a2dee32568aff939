from __future__ import annotations

import torch
from torch import Tensor, nn

from frostline.errors import user_error
from frostline.models.interfaces import WholeBatch
from frostline.models.numerics import cosine_similarities
from frostline.types import Count


class Contrastive(nn.Module):
    """SetFit's pair loss (arXiv:2209.11055): (cosine - 1)^2 for two texts of one class, cosine^2 for two classes.

    For each text, `pairs` partners of its class and as many of other classes are sampled from the batch of all ranks,
    or fewer if the batch has fewer. The loss of the text is the mean over its pairs. So an epoch has at most
    2 x pairs x texts pairs, and the R of the paper (20) corresponds to the number of epochs. The paper's code samples
    partners from the whole training set, which for few texts is one batch or a little more. The pairs depend only on
    the seed of the run and the step.

    Raises:
        UserError: the data is multi-label.
    """

    uses_only_embeddings = True
    in_batch: bool = True

    def __init__(self, multi_label: bool = False, pairs: Count = 1) -> None:
        super().__init__()
        if multi_label:
            what = "contrastive pairs texts of one class each, and these have several"
            raise user_error("loss", what, "choose loss=cross_entropy with a trainable head")
        self.pairs = pairs

    def forward(self, logits: Tensor, labels: Tensor, vectors: Tensor, whole: WholeBatch) -> Tensor:
        """Return the losses (B,) of vectors (B, D) with labels (B,); the logits (B, C) are not used."""
        similarities = cosine_similarities(whole.vectors[whole.local_rows], whole.vectors)
        masks = self.draw_pairs(whole.labels.cpu(), whole.seed)
        same, other = (mask.to(similarities.device)[whole.local_rows] for mask in masks)
        errors = ((similarities - 1).square() * same).sum(dim=1) + (similarities.square() * other).sum(dim=1)
        return errors / (same | other).sum(dim=1).clamp(min=1)

    def draw_pairs(self, labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """Return the partners of each text: two masks (N, N), for the same class and for other classes.

        labels: (N,).
        """
        same_class = labels[:, None] == labels
        scores = torch.rand(len(labels), len(labels), generator=torch.Generator().manual_seed(seed))
        itself = torch.eye(len(labels), dtype=torch.bool)
        return self._choose_partners(scores, same_class & ~itself), self._choose_partners(scores, ~same_class)

    def _choose_partners(self, scores: Tensor, possible: Tensor) -> Tensor:
        best = scores.masked_fill(~possible, -1).topk(min(self.pairs, len(scores)), dim=1).indices
        return torch.zeros_like(possible).scatter(1, best, True) & possible
