from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from torch import Tensor
from torch.optim.swa_utils import get_swa_multi_avg_fn

from frostline.training.averaging.base import Averaging
from frostline.types import Range


class Swa(Averaging):
    """Stochastic weight averaging (arXiv:1803.05407): the mean of the weights after each of the late epochs.

    The paper uses a high constant learning rate in these epochs (scheduler=constant), and its code averages the last
    44 to 47 % of all epochs.

    start: the fraction of the run after which the first weights are averaged.
    """

    averages_weights = averages_epochs = True

    def __init__(self, start: Annotated[float, Range(low=0, high=1, open_high=True)] = 0.5) -> None:
        self.start, self.update = start, get_swa_multi_avg_fn()  # type: ignore[no-untyped-call]  # untyped in torch

    def takes(self, progress: float, epoch_ends: bool) -> bool:
        return epoch_ends and progress >= self.start - 1e-9  # tolerates rounding of a fraction of epochs

    def average(self, averaged: Sequence[Tensor], weights: Sequence[Tensor], count: int) -> None:
        self.update(list(averaged), list(weights), count)
