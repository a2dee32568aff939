"""Adaptive strategies: their phases are known before training, when a phase begins is decided during training.

Such a strategy returns `AdaptivePlan(phases, controller)`. The state of a controller is part of the checkpoint, and its
inputs are identical on all ranks, so that a resumed run and every rank reach the same decisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from frostline.freezing.plan import Phase

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = Mapping[str, Tensor]


class PhaseController:
    """Stay in the first phase, with the multipliers of the plan. A strategy overrides the decisions that it makes.

    batches: number of batches whose gradients are computed, without an optimizer step, at the start of each epoch.
    """

    batches = 0

    def phase_start(self, index: int) -> str:
        """Describe in a few words, for the table of the plan, when phase `index` begins."""
        return "from 1" if index == 0 else "when decided"

    def multiplier_factors(self, gradients: Sequence[Tensors], parameters: Tensors) -> dict[str, float]:
        """Return, at the start of an epoch, a factor on each parameter's multiplier by name; 1 if absent."""
        return {}

    def after_backward(self, index: int, progress: float, gradients: Tensors) -> int:
        """Return the phase of the next step. Called after each backward pass; `progress` of the run is in [0, 1]."""
        return index

    def after_epoch(self, index: int, scores: Mapping[str, float]) -> int:
        """Return the phase of the next epoch. Called after each epoch that is validated."""
        return index

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint stores: plain values and tensors."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state that `state_dict` returned."""


@dataclass(frozen=True)
class AdaptivePlan:
    """The phases in the order in which they may come, and the controller that decides when."""

    phases: tuple[Phase, ...]
    controller: PhaseController
