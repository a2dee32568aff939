from __future__ import annotations

import torch
from torch import Tensor, nn

from frostline.errors import wrong
from frostline.models.interfaces import WholeBatch
from frostline.models.numerics import cosines
from frostline.types import Count


class Contrastive(nn.Module):
    """SetFit's loss on pairs (arXiv:2209.11055): the square of a pair's cosine less 1 for one class, 0 for two.

    Of each text `pairs` partners of its class and as many of others are drawn from the batch of all ranks, less where
    the batch has fewer; its loss is the mean over them. So an epoch sees at most 2 x pairs x texts pairs, and the R of
    the paper (20) is how many epochs there are. The paper's code draws partners from all of train, which for few texts
    is one batch or little more. Which pairs are drawn follows from the run's seed and the step.

    Raises:
        UserError: texts have several classes.
    """

    uses_only_embeddings = True
    in_batch: bool = True

    def __init__(self, multi_label: bool = False, pairs: Count = 1) -> None:
        super().__init__()
        if multi_label:
            what = "contrastive pairs texts of one class each, and these have several"
            raise wrong("loss", what, "choose loss=cross_entropy with a head that learns")
        self.pairs = pairs

    def forward(self, logits: Tensor, labels: Tensor, vectors: Tensor, whole: WholeBatch) -> Tensor:
        """logits (B, C), which have no part in it, labels (B,), vectors (B, D) -> losses (B,)."""
        near = cosines(whole.vectors[whole.own], whole.vectors)
        same, other = (drawn.to(near.device)[whole.own] for drawn in self.drawn(whole.labels.cpu(), whole.seed))
        off = ((near - 1).square() * same).sum(dim=1) + (near.square() * other).sum(dim=1)
        return off / (same | other).sum(dim=1).clamp(min=1)

    def drawn(self, labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """labels (N,) -> who is whose partner of the same class and of another, two times (N, N) of yes and no."""
        alike = labels[:, None] == labels
        lots = torch.rand(len(labels), len(labels), generator=torch.Generator().manual_seed(seed))
        return self._chosen(lots, alike & ~torch.eye(len(labels), dtype=torch.bool)), self._chosen(lots, ~alike)

    def _chosen(self, lots: Tensor, possible: Tensor) -> Tensor:
        best = lots.masked_fill(~possible, -1).topk(min(self.pairs, len(lots)), dim=1).indices
        return torch.zeros_like(possible).scatter(1, best, True) & possible
