from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from torch import Tensor
from torch.optim.swa_utils import get_swa_multi_avg_fn

from frostline.training.averaging.base import Averaging
from frostline.types import Range


class Swa(Averaging):
    """Stochastic weight averaging (arXiv:1803.05407): the equal average of the weights after late epochs.

    start: the share of the run after which the first weights are taken; the paper's code averages the last 44 to 47% of
    its epochs. The paper holds the rate constant and high from there: scheduler=constant.
    """

    averages_weights = averages_epochs = True

    def __init__(self, start: Annotated[float, Range(low=0, high=1, open_high=True)] = 0.5) -> None:
        self.start, self.update = start, get_swa_multi_avg_fn()  # type: ignore[no-untyped-call]  # untyped by its authors

    def takes(self, progress: float, epoch_ends: bool) -> bool:
        return epoch_ends and progress >= self.start - 1e-9  # a share of epochs, whatever rounding made of it

    def average(self, averaged: Sequence[Tensor], now: Sequence[Tensor], count: int) -> None:
        self.update(list(averaged), list(now), count)
