"""Strategies that decide in training: their phases are known beforehand, when each begins or how fast all learn is not.

Such a strategy returns `Adaptive(phases, decider)`. What a decider knows is part of the checkpoint, and what it is
shown is the same on all ranks, so that a resumed run and every rank decide alike.
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
    """Decides nothing: stays in its phase, at the plan's rates. A strategy overrides what it decides.

    batches: of how many batches the gradients are taken, without a step, as each epoch begins.
    """

    batches = 0

    def when(self, index: int) -> str:
        """In a few words for the plan's table: when phase `index` begins."""
        return "from 1" if index == 0 else "when told"

    def rates(self, gradients: Sequence[Tensors], parameters: Tensors) -> dict[str, float]:
        """As an epoch begins: a factor on the multiplier of each parameter, by plan name; 1 where it is left out."""
        return {}

    def after_backward(self, index: int, progress: float, gradients: Tensors) -> int:
        """After each backward pass, `progress` of the run (0 to 1) done: the phase of the next step."""
        return index

    def after_epoch(self, index: int, scores: Mapping[str, float]) -> int:
        """After each epoch that is validated: the phase of the next one."""
        return index

    def state_dict(self) -> dict[str, Any]:
        """What must live through a kill: plain values and tensors."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` gave."""


@dataclass(frozen=True)
class AdaptivePlan:
    """Phases in the order in which they may come, and who decides."""

    phases: tuple[Phase, ...]
    decider: PhaseController
