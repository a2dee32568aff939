from __future__ import annotations

from frostline.training.averaging.base import Averaging
from frostline.types import Share


class WiseFt(Averaging):
    """WiSE-FT (arXiv:2109.01903): weights (1 - alpha) x before + alpha x after training, for alpha 0, 0.1, ..., 1.

    Each mixture is scored on validation and on all test sets; result.json has the curve. Only the encoder is
    interpolated, as the author of the paper advises for BERT, whose head is new. It costs eleven evaluations, and the
    memory of the trained parameters twice more.

    alpha: the share of the mixture that the run keeps; null: the one that is best on validation, the first of equals.
    head: interpolate pooler and head too, from their initial values.
    """

    interpolates_weights = True

    def __init__(self, alpha: Share | None = None, head: bool = False) -> None:
        self.alpha, self.head = alpha, head
        self.alphas = sorted({i / 10 for i in range(11)} | ({alpha} if alpha is not None else set()))

    def mixes(self, parameter: str) -> bool:
        return self.head or parameter.startswith("encoder.")
