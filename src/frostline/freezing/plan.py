"""The plan: which parameters are trainable, when, and at which learning rate, as a value known before training starts.

A strategy turns the blocks of a model into **phases**. `resolve_phases` applies their rules to the parameters of the
model and returns a **plan**, in which every parameter has a learning-rate multiplier, or None (frozen), in each phase.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from frostline.errors import Problem

Kind = Literal["embeddings", "layer", "adapter", "final", "pooler", "head"]
Rule = tuple[str, float | None]


@dataclass(frozen=True)
class Parameter:
    """A tensor's name, such as ``encoder.layer.0.attention.self.query.weight``, and its number of elements."""

    name: str
    size: int


@dataclass(frozen=True)
class Block:
    """A named part of the model. Blocks are listed from the input side; a block may have no parameters.

    An adapter is a separate block, directly after the block that it is attached to.
    """

    name: str
    kind: Kind
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True)
class Phase:
    """One stretch of training, as a strategy describes it.

    rules: pairs of a glob over parameter names and a multiplier of the base learning rate, or None for frozen; the
        first rule that matches a parameter applies.
    epochs: the length; phases with None share the epochs that the others leave.
    restart: whether the schedule starts again and the optimizer's state is reset.
    shrinks: whether the length is a default, which is shortened if the run has too few epochs for it.
    merges: whether such a run may train the phase together with its neighbours that merge, too.
    """

    name: str
    rules: tuple[Rule, ...]
    epochs: int | None = None
    restart: bool = False
    shrinks: bool = False
    merges: bool = False


@dataclass(frozen=True)
class PlannedPhase:
    """A phase with its epochs [start, end), the multiplier of every parameter, and its frost line in blocks.

    when: a description of when the phase begins, where this is decided during training; None otherwise.
    """

    name: str
    start: int
    end: int
    multipliers: dict[str, float | None]
    frost_line: int
    restart: bool
    when: str | None = None

    def trains(self, parameter: str) -> bool:
        """Return whether the parameter is trainable in this phase."""
        return self.multipliers[parameter] is not None


@dataclass(frozen=True)
class Plan:
    """The phases of a run over the blocks of one model, in order and without gaps."""

    blocks: tuple[Block, ...]
    phases: tuple[PlannedPhase, ...]

    @property
    def parameters(self) -> list[Parameter]:
        """Return the parameters of all blocks."""
        return [parameter for block in self.blocks for parameter in block.parameters]

    def trainable(self, phase: PlannedPhase) -> int:
        """Return the number of trainable parameters of a phase, counted by element."""
        return sum(p.size for p in self.parameters if phase.trains(p.name))

    def ever_trains(self, parameter: str) -> bool:
        """Return whether the parameter is trainable in at least one phase."""
        return any(phase.trains(parameter) for phase in self.phases)

    @property
    def ever_trainable(self) -> int:
        """Return the number of parameters that are trainable in at least one phase, counted by element."""
        return sum(p.size for p in self.parameters if self.ever_trains(p.name))

    def index_at(self, epoch: int) -> int:
        """Return the index of the phase that contains `epoch` (from 0), or of the last phase for a later epoch."""
        for index, phase in enumerate(self.phases):
            if epoch < phase.end:
                return index
        return len(self.phases) - 1


def patterns_of(blocks: Sequence[Block], *kinds: Kind) -> list[str]:
    """Return a glob for each block of these kinds that has parameters."""
    return [f"{block.name}.*" for block in blocks if block.kind in kinds and block.parameters]


def counted(epoch: int) -> int:
    """Return the number of an epoch in messages, metrics.csv, result.json, W&B and figures, where the first one is 1.

    epoch: its index, from 0 as in Lightning.
    """
    return epoch + 1


def plan_problems(plan: Plan, fitted_head: bool, on_embeddings: bool) -> Iterator[Problem]:
    """Yield a problem if the plan trains something, but a phase of it, or the whole training, has no gradient.

    Args:
        fitted_head: whether the head is fitted to all embeddings at once and passes no gradient on. Another head may
            have no parameters at all, as that of a language model shares those of the encoder.
        on_embeddings: whether the loss is computed from pooled embeddings.
    """
    if plan.ever_trainable == 0:
        return
    if fitted_head and not on_embeddings:
        what = "is fitted to embeddings, not trained, so that no gradient reaches the trainable layers"
        do = "choose freezing=frozen with a pooler that has no parameters, or a loss on embeddings such as "
        yield Problem("head", what, f"{do}loss=contrastive")
    elif phase := next((phase.name for phase in plan.phases if plan.trainable(phase) == 0), None):
        what = f"trains nothing in phase {phase}"
        if fitted_head:
            what = f"trains only the head in phase {phase}, and this head is fitted, not trained"
        elif not any(block.kind == "head" and block.parameters for block in plan.blocks):
            what += ", as this head has no parameters but those that it shares with the encoder"
        do = "choose freezing=full or another strategy that trains the encoder in all phases"
        yield Problem("freezing", what, do)
