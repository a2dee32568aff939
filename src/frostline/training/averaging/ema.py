from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from frostline.training.averaging.base import Averaging
from frostline.types import PartShare, Range


class Ema(Averaging):
    """Exponential moving average of the weights over steps: decay x average + (1 - decay) x new weights.

    It is that of torch's AveragedModel. Evaluating a running average goes back to Polyak (1992), its use as a teacher
    to arXiv:1703.01780. A decay of 0.99 averages over about 100 steps, which is right for short fine-tuning: with 0.999
    the first weights would still count one half after 700 steps.

    start: the fraction of the run before the first weights are averaged.
    """

    averages_weights = True

    def __init__(
        self, decay: PartShare = 0.99, start: Annotated[float, Range(low=0, high=1, open_high=True)] = 0.0
    ) -> None:
        self.start, self.update = start, get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]  # untyped in torch

    def takes(self, progress: float, epoch_ends: bool) -> bool:
        return progress >= self.start

    def average(self, averaged: Sequence[Tensor], weights: Sequence[Tensor], count: int) -> None:
        self.update(list(averaged), list(weights), count)
