"""Which weights are scored and kept: those that training moves, or an average. An averaging overrides what it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor


class Averaging:
    """No average: the weights that training moves."""

    def takes(self, progress: float, epoch_ends: bool) -> bool:
        """After each optimizer step, `progress` of the run (0 to 1) done: whether its weights go into the average."""
        return False

    def average(self, averaged: Sequence[Tensor], now: Sequence[Tensor], count: int) -> None:
        """Change `averaged`, made of `count` earlier weights, so that it holds those of `now` too."""
        raise NotImplementedError


@runtime_checkable
class Interpolating(Protocol):
    """An averaging between the weights before training and those after it.

    alphas: shares of the weights after, each of which is scored. alpha: the share that is kept; None: the best on
    validation.
    """

    alphas: Sequence[float]
    alpha: float | None

    def mixes(self, parameter: str) -> bool:
        """Whether the parameter of this plan name is mixed; the others are those after training."""
        ...
