"""The base class of weight averaging, which averages nothing. An averaging overrides what it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor


class Averaging:
    """No average: the weights of the last step are evaluated and saved."""

    def takes(self, progress: float, epoch_ends: bool) -> bool:
        """Return whether the weights after an optimizer step are averaged; progress: of the run, 0 to 1."""
        return False

    def average(self, averaged: Sequence[Tensor], weights: Sequence[Tensor], count: int) -> None:
        """Update `averaged`, the average of `count` earlier weights, in place so that it includes `weights`."""
        raise NotImplementedError


@runtime_checkable
class Interpolating(Protocol):
    """An averaging that interpolates between the weights before and after training.

    alphas: the shares of the weights after training, each of which is scored.
    alpha: the share that the run keeps; None: the one with the best validation metric.
    """

    alphas: Sequence[float]
    alpha: float | None

    def mixes(self, parameter: str) -> bool:
        """Return whether a parameter, given by plan name, is interpolated; the rest keep their trained values."""
        ...
