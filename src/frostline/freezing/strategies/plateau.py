from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from frostline.freezing.adaptive import AdaptivePlan, PhaseController
from frostline.freezing.groups import layer_groups, patterns
from frostline.freezing.plan import Block, Phase, Rule
from frostline.results.metric_names import metric_direction
from frostline.types import Count, NonNegative


def plateau(
    blocks: Sequence[Block], patience: Count = 1, min_delta: NonNegative = 0.01, monitor: str = "val/loss"
) -> AdaptivePlan:
    """Train the head, then thaw one more layer from the top each time validation stops improving.

    The order is that of gradual unfreezing (arXiv:1801.06146). As in finetuning-scheduler, the next layer is thawed
    after `patience` epochs in which `monitor` did not improve on its best value by more than `min_delta`. The best
    value is that of the whole run, because weights are not reset to the best epoch; the optimizer keeps its state.

        $ frostline plan freezing=plateau
        phase       epochs      emb  0  1  head  trainable  frost line
        head        from 1      ·    ·  ·  1     387        4 of 5
        layer.1     at plateau  ·    ·  1  1     198,659    2 of 5
        layer.0     at plateau  ·    1  1  1     396,931    1 of 5
        embeddings  at plateau  1    1  1  1     4,369,795  0 of 5
        4,369,795 of 4,369,795 parameters are trainable in at least one phase
    """
    rules: list[Rule] = []
    phases = []
    for group in layer_groups(blocks):
        rules += [(pattern, 1.0) for pattern in patterns(group)]
        if rules:  # some heads have no parameters
            phases.append(Phase(group[0].name.removeprefix("encoder."), (*rules, ("*", None))))
    phases[-1] = Phase(phases[-1].name, tuple(rules))
    return AdaptivePlan(tuple(phases), Plateau(len(phases), patience, min_delta, monitor))


class Plateau(PhaseController):
    """Move to the next phase when a score has not improved for `patience` epochs."""

    def __init__(self, phases: int, patience: int, min_delta: float, monitor: str) -> None:
        self.phases, self.patience, self.min_delta, self.monitor = phases, patience, min_delta, monitor
        self.sign = -1.0 if metric_direction(monitor) == "minimize" else 1.0
        self.best = float("-inf")
        self.waited = 0

    def phase_start(self, index: int) -> str:
        return "at plateau" if index else "from 1"

    def after_epoch(self, index: int, scores: Mapping[str, float]) -> int:
        score = self.sign * scores[self.monitor]
        improved = math.isfinite(score) and score > self.best + self.min_delta
        self.best = score if improved else self.best
        self.waited = 0 if improved else self.waited + 1
        if self.waited < self.patience or index + 1 == self.phases:
            return index
        self.waited = 0
        return index + 1

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.waited = state["best"], state["waited"]
