"""The one engine that applies any plan to a model: who requires grad, who is in eval mode, who learns how fast.

Everything that will ever learn requires grad when the strategy wraps the model, because what is thawed after DDP's
wrap is silently not synchronised; phases switch it off and on afterwards. All optimizer groups exist from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer

from frostline.freezing.plan import Plan, PlannedPhase
from frostline.models.blocks import ModuleBlock

Schedule = Callable[[float], float]


class PhaseEngine:
    """Applies the phases of `plan` to `blocks`; keeps no state but the index of the phase."""

    def __init__(self, plan: Plan, blocks: Sequence[ModuleBlock]) -> None:
        self.plan, self.blocks = plan, blocks
        self.parameters: dict[str, nn.Parameter] = {}
        self.find_again()
        self.index = 0
        self.factors: dict[str, float] = {}  # on the multipliers, where a strategy measures what suits a parameter
        for name, parameter in self.parameters.items():
            parameter.requires_grad_(plan.ever_learns(name))

    def find_again(self) -> None:
        """The blocks' parameters, also when others have taken their places."""
        self.parameters |= {name: p for block in self.blocks for name, p in block.parameters.items()}

    @property
    def phase(self) -> PlannedPhase:
        return self.plan.phases[self.index]

    def groups(self, weight_decay: float, apart: bool = False) -> list[dict[str, Any]]:
        """Optimizer groups of all that ever learns: one for each course of multipliers, with and without decay.

        Vectors (biases and norms, and IA3's factors, which are (n, 1)) are not decayed.
        `apart`: a group for each parameter, so that factors can act.
        """
        groups: dict[tuple[Any, ...], dict[str, Any]] = {}
        for name, parameter in self.parameters.items():
            if not self.plan.ever_learns(name):
                continue
            course = tuple(phase.multipliers[name] for phase in self.plan.phases)
            decay = weight_decay if sum(size > 1 for size in parameter.shape) > 1 else 0.0
            key = (course, decay, name if apart else None)
            new = {"params": [], "weight_decay": decay, "multipliers": list(course), "name": name if apart else None}
            group = groups.setdefault(key, new)
            group["params"].append(parameter)
        return list(groups.values())

    def enter(self, index: int) -> None:
        """Begin phase `index`: what is frozen in it has neither grad nor momentum to move it."""
        self.index = index
        for name, parameter in self.parameters.items():
            learns = self.phase.learns(name)
            parameter.requires_grad_(learns)
            if not learns:
                parameter.grad = None

    def rest(self) -> None:
        """Put every block in which nothing learns into eval mode: its dropout is off, its states are reproducible."""
        for block in self.blocks:
            if not any(self.phase.learns(name) for name in block.parameters):
                for module in block.modules:
                    module.eval()

    def encoder_rests(self) -> bool:
        """Whether all that stands below the head gives the same vectors throughout this phase."""
        below = [block for block in self.blocks if block.kind != "head"]
        return not any(self.phase.learns(name) for block in below for name in block.parameters)

    def set_rates(self, optimizer: Optimizer, base: float, schedule: Schedule, step: int, steps_per_epoch: int) -> None:
        """Rate of each group at optimizer step `step`: base x multiplier x schedule."""
        factor = schedule(self.progress(step, steps_per_epoch))
        for group in optimizer.param_groups:
            multiplier = group["multipliers"][self.index]
            own = self.factors.get(group["name"], 1.0)
            group["lr"] = 0.0 if multiplier is None else base * multiplier * own * factor

    def progress(self, step: int, steps_per_epoch: int) -> float:
        """How far the schedule is, 0 to 1, counted from the last phase that restarted it to the next that will."""
        phases = self.plan.phases
        first = max((i for i in range(self.index + 1) if phases[i].restart), default=0)
        after = next((i for i in range(self.index + 1, len(phases)) if phases[i].restart), len(phases))
        start, end = phases[first].start, phases[after - 1].end
        # The step about to be taken counts as taken: otherwise a warm-up begins with a step of rate zero.
        done = step + 1 - start * steps_per_epoch
        return min(done / max((end - start) * steps_per_epoch + 1, 1), 1.0)
