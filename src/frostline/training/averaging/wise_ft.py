from __future__ import annotations

from frostline.training.averaging.base import Averaging
from frostline.types import Share


class WiseFt(Averaging):
    """WiSE-FT (arXiv:2109.01903): weights (1 - alpha) before + alpha after training, for alpha = 0, 0.1 .. 1.

    All are scored on validation and on every test set: the curve stands in result.json. alpha: the one whose weights
    are kept; null: the best on validation, the first of equals. The encoder alone is mixed, as the paper's author
    advises for BERT, whose head is new; with `head` what stands above the encoder too, as it was drawn. Costs eleven
    evaluations, and once more the memory of what learns before and after.
    """

    interpolates_weights = True

    def __init__(self, alpha: Share | None = None, head: bool = False) -> None:
        self.alpha, self.head = alpha, head
        self.alphas = sorted({i / 10 for i in range(11)} | ({alpha} if alpha is not None else set()))

    def mixes(self, parameter: str) -> bool:
        return self.head or parameter.startswith("encoder.")
