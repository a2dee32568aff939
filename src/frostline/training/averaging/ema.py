from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from frostline.training.averaging.base import Averaging
from frostline.types import PartShare, Range


class Ema(Averaging):
    """An exponential moving average over steps: decay of the average so far and 1 - decay of the new weights.

    As torch's AveragedModel has it; evaluation of the running average goes back to Polyak (1992), its use as a teacher
    to arXiv:1703.01780. With 0.99 it looks back over about 100 steps, as short as fine-tuning is; 0.999 would still
    hold half of the first weights after 700. start: the share of the run before the first weights are taken.
    """

    averages_weights = True

    def __init__(
        self, decay: PartShare = 0.99, start: Annotated[float, Range(low=0, high=1, open_high=True)] = 0.0
    ) -> None:
        self.start, self.update = start, get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]  # untyped by its authors

    def takes(self, progress: float, epoch_ends: bool) -> bool:
        return progress >= self.start

    def average(self, averaged: Sequence[Tensor], now: Sequence[Tensor], count: int) -> None:
        self.update(list(averaged), list(now), count)
