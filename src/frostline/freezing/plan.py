"""The plan: which parameters are trainable, when, and at which learning rate, as a value known before training starts.

A strategy turns the blocks of a model into **phases**. `resolve_phases` applies their rules to the parameters of the
model and returns a **plan**, in which every parameter has a learning-rate multiplier, or None (frozen), in each phase.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

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
    """

    name: str
    rules: tuple[Rule, ...]
    epochs: int | None = None
    restart: bool = False


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
