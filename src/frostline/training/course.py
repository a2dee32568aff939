"""Which phase a run is in: by the plan's epochs, or as a strategy that adapts decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from frostline.freezing.adaptive import PhaseController
from frostline.training.phases import PhaseEngine


class PhaseTracker:
    """The engine's way through the plan; its state is part of the checkpoint.

    began: the epoch and the step at which the present phase began.
    """

    def __init__(self, engine: PhaseEngine, decider: PhaseController | None) -> None:
        self.engine, self.decider = engine, decider
        self.following = 0
        self.began = (0, 0)

    def index(self, epoch: int) -> int:
        """The phase that the next step of `epoch` belongs to."""
        return self.engine.plan.index_at(epoch) if self.decider is None else self.following

    def ends(self, epoch: int) -> bool:
        """Whether the present phase is over when `epoch` is."""
        return epoch + 1 == self.engine.phase.end or self.index(epoch + 1) != self.engine.index

    def end(self, epoch: int, step: int) -> dict[str, list[int]]:
        """From where to where the present phase went; the next one begins with this epoch and step."""
        (epochs, steps), self.began = zip(self.began, (epoch, step), strict=True), (epoch, step)
        return {"epochs": list(epochs), "steps": list(steps)}

    def measures(self) -> int:
        """Of how many batches the decider wants to see the gradients as an epoch begins."""
        return 0 if self.decider is None else self.decider.batches

    def measured(self, gradients: Sequence[Mapping[str, Tensor]]) -> None:
        if self.decider is not None:
            self.engine.factors = self.decider.rates(gradients, self.engine.parameters)

    def after_backward(self, progress: float) -> None:
        if self.decider is not None:
            named = self.engine.parameters.items()
            gradients = {name: p.grad for name, p in named if p.grad is not None}
            self.following = self.decider.after_backward(self.engine.index, progress, gradients)

    def after_epoch(self, scores: Mapping[str, float]) -> None:
        if self.decider is not None:
            self.following = self.decider.after_epoch(self.following, scores)

    def state_dict(self) -> dict[str, Any]:
        decided = {} if self.decider is None else self.decider.state_dict()
        state = {"index": self.engine.index, "following": self.following, "began": self.began}
        return state | {"factors": self.engine.factors, "decider": decided}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.engine.index, self.following = state["index"], state["following"]
        self.began, self.engine.factors = tuple(state["began"]), state["factors"]
        if self.decider is not None:
            self.decider.load_state_dict(state["decider"])
