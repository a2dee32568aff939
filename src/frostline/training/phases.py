"""Phases of a plan: `PhaseEngine` applies them to a model, `PhaseTracker` has the current phase of a run.

Every parameter that is trained in some phase requires grad when the strategy wraps the model, because DDP silently
leaves out parameters that are unfrozen after it has wrapped the model. Phases switch requires_grad off and on
afterwards. All optimizer groups exist from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm
from torch.optim import Optimizer

from frostline.freezing.adaptive import PhaseController
from frostline.freezing.plan import Plan, PlannedPhase
from frostline.models.blocks import ModuleBlock

Schedule = Callable[[float], float]


class PhaseEngine:
    """Applies the phases of `plan` to `blocks`: requires_grad, train or eval mode, and learning rates.

    Attributes:
        index: the index of the current phase.
        parameters: all parameters by their names in the plan.
        factors: factors on the learning rates of single parameters, measured during training; by default none.
    """

    def __init__(self, plan: Plan, blocks: Sequence[ModuleBlock]) -> None:
        self.plan, self.blocks = plan, blocks
        self.index = 0
        self.parameters: dict[str, nn.Parameter] = {}
        self.factors: dict[str, float] = {}
        self.collect_parameters()
        for name, parameter in self.parameters.items():
            parameter.requires_grad_(plan.ever_trains(name))

    def collect_parameters(self) -> None:
        """Read the parameters of the blocks again, after shards have replaced them."""
        self.parameters |= {name: p for block in self.blocks for name, p in block.parameters.items()}

    @property
    def phase(self) -> PlannedPhase:
        return self.plan.phases[self.index]

    def optimizer_groups(self, weight_decay: float, one_per_parameter: bool = False) -> list[dict[str, Any]]:
        """Return the optimizer groups of all parameters that are ever trained.

        Parameters share a group if they have the same multipliers in all phases and the same weight decay. Vectors
        (biases, norms, and the factors of IA3, which are (n, 1)) have no weight decay. With `one_per_parameter` each
        parameter has a group by itself, so that `factors` can act on it.
        """
        groups: dict[tuple[Any, ...], dict[str, Any]] = {}
        for name, parameter in self.parameters.items():
            if not self.plan.ever_trains(name):
                continue
            multipliers = [phase.multipliers[name] for phase in self.plan.phases]
            decay = weight_decay if sum(size > 1 for size in parameter.shape) > 1 else 0.0
            group_name = name if one_per_parameter else None
            key = (tuple(multipliers), decay, group_name)
            new = {"params": [], "weight_decay": decay, "multipliers": multipliers, "name": group_name}
            groups.setdefault(key, new)["params"].append(parameter)
        return list(groups.values())

    def enter(self, index: int) -> None:
        """Begin the phase `index`: its frozen parameters neither require nor have a gradient."""
        self.index = index
        for name, parameter in self.parameters.items():
            trained = self.phase.trains(name)
            parameter.requires_grad_(trained)
            if not trained:
                parameter.grad = None

    def set_eval_mode(self) -> None:
        """Put each frozen block into eval mode: its dropout is off, so that its states are reproducible."""
        for block in self.blocks:
            if not any(self.phase.trains(name) for name in block.parameters):
                for module in block.modules:
                    module.eval()

    def batch_norms(self) -> dict[str, BatchNorm]:
        """Return those of all blocks that are ever trained, by block and name; in other blocks they are fixed."""
        return {
            f"{block.name}.{name}".rstrip("."): module
            for block in self.blocks
            if any(map(self.plan.ever_trains, block.parameters))
            for member in block.modules
            for name, module in member.named_modules()
            if isinstance(module, BatchNorm)
        }

    def encoder_is_frozen(self) -> bool:
        """Return whether encoder and pooler give the same vectors throughout the current phase."""
        below_head = [block for block in self.blocks if block.kind != "head"]
        return not any(self.phase.trains(name) for block in below_head for name in block.parameters)

    def set_learning_rates(
        self, optimizer: Optimizer, base_lr: float, schedule: Schedule, step: int, steps_per_epoch: int
    ) -> None:
        """Set the learning rate of each group for the optimizer step `step`: base_lr x multiplier x schedule."""
        scale = schedule(self.progress(step, steps_per_epoch))
        for group in optimizer.param_groups:
            multiplier = group["multipliers"][self.index]
            factor = self.factors.get(group["name"], 1.0)
            group["lr"] = 0.0 if multiplier is None else base_lr * multiplier * factor * scale

    def progress(self, step: int, steps_per_epoch: int) -> float:
        """Return the progress of the schedule (0 to 1) from the last phase that restarted it to the next restart."""
        phases = self.plan.phases
        first = max((i for i in range(self.index + 1) if phases[i].restart), default=0)
        after = next((i for i in range(self.index + 1, len(phases)) if phases[i].restart), len(phases))
        start, end = phases[first].start, phases[after - 1].end
        # The coming step counts as done. Otherwise a warm-up would begin with a step whose learning rate is zero.
        done = step + 1 - start * steps_per_epoch
        return min(done / max((end - start) * steps_per_epoch + 1, 1), 1.0)


class PhaseTracker:
    """Determines the phase of each epoch: by the epochs of the plan, or as `controller` decides during training.

    Attributes:
        start: the epoch and the optimizer step at which the current phase began.
        finished: name, epochs, steps and digest of the weights of each phase that is over.
    """

    def __init__(self, engine: PhaseEngine, controller: PhaseController | None) -> None:
        self.engine, self.controller = engine, controller
        self.next_index = 0
        self.start = (0, 0)
        self.finished: list[dict[str, Any]] = []

    def phase_index(self, epoch: int) -> int:
        """Return the index of the phase that the next step of `epoch` belongs to."""
        return self.engine.plan.index_at(epoch) if self.controller is None else self.next_index

    def ends_after(self, epoch: int) -> bool:
        """Return whether the current phase ends with `epoch`."""
        return epoch + 1 == self.engine.phase.end or self.phase_index(epoch + 1) != self.engine.index

    def finish_phase(self, epoch: int, step: int, digest: str) -> None:
        """Record the current phase as finished. The next one begins with this epoch and step."""
        (first_epoch, first_step), self.start = self.start, (epoch, step)
        span = {"epochs": [first_epoch, epoch], "steps": [first_step, step]}
        self.finished.append({"name": self.engine.phase.name, **span, "weights": digest})

    @property
    def gradient_batches(self) -> int:
        """The number of batches whose gradients the controller needs before each epoch."""
        return 0 if self.controller is None else self.controller.batches

    def set_factors(self, gradients: Sequence[Mapping[str, Tensor]]) -> None:
        """Let the controller derive factors on the learning rates from the gradients of some batches."""
        if self.controller is not None:
            self.engine.factors = self.controller.multiplier_factors(gradients, self.engine.parameters)

    def after_backward(self, progress: float) -> None:
        """Let the controller choose the next phase from the gradients of the step; progress: of the run, 0 to 1."""
        if self.controller is not None:
            parameters = self.engine.parameters.items()
            gradients = {name: p.grad for name, p in parameters if p.grad is not None}
            self.next_index = self.controller.after_backward(self.engine.index, progress, gradients)

    def after_epoch(self, metrics: Mapping[str, float]) -> None:
        """Let the controller choose the next phase from the validation metrics."""
        if self.controller is not None:
            self.next_index = self.controller.after_epoch(self.next_index, metrics)

    def state_dict(self) -> dict[str, Any]:
        return {
            "index": self.engine.index,
            "next_index": self.next_index,
            "start": self.start,
            "factors": self.engine.factors,
            "finished": self.finished,
            "controller": {} if self.controller is None else self.controller.state_dict(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.engine.index, self.next_index = state_dict["index"], state_dict["next_index"]
        self.start, self.engine.factors = tuple(state_dict["start"]), state_dict["factors"]
        self.finished = state_dict["finished"]
        if self.controller is not None:
            self.controller.load_state_dict(state_dict["controller"])
