"""The plan: which parameters learn, when, and how fast, as a value that is known before training starts.

A strategy turns block names into **phases**; `resolving.resolve` holds the phases against the parameters of a model and
gives a **plan**, in which every parameter has in each phase a learning-rate multiplier or None (frozen).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["embeddings", "layer", "adapter", "final", "pooler", "head"]
Rule = tuple[str, float | None]


@dataclass(frozen=True)
class Parameter:
    """A tensor's name, such as ``encoder.layer.0.attention.self.query.weight``, and how many numbers it holds."""

    name: str
    size: int


@dataclass(frozen=True)
class Block:
    """A named part of the model. Blocks are listed input side first; a block may have no parameters.

    An adapter is a block of its own directly after the one that it stands in, its host.
    """

    name: str
    kind: Kind
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True)
class Phase:
    """What a strategy says of one stretch of training.

    rules: (glob over parameter names, multiplier of the base rate or None = frozen), first match wins.
    epochs: its length; None shares what the other phases leave of the run.
    restart: the schedule starts again and the optimizer forgets its moments.
    """

    name: str
    rules: tuple[Rule, ...]
    epochs: int | None = None
    restart: bool = False


@dataclass(frozen=True)
class PlannedPhase:
    """A phase with its epochs [start, end) and the multiplier of every parameter.

    when: in words, where training decides when the phase begins; it may then be any of the run's epochs.
    """

    name: str
    start: int
    end: int
    multipliers: dict[str, float | None]
    line: int
    restart: bool
    when: str | None = None

    def learns(self, parameter: str) -> bool:
        return self.multipliers[parameter] is not None


@dataclass(frozen=True)
class Plan:
    """Phases over the blocks of one model, in order, without gaps."""

    blocks: tuple[Block, ...]
    phases: tuple[PlannedPhase, ...]

    @property
    def parameters(self) -> list[Parameter]:
        return [parameter for block in self.blocks for parameter in block.parameters]

    def learning(self, phase: PlannedPhase) -> int:
        """How many numbers learn in a phase."""
        return sum(p.size for p in self.parameters if phase.learns(p.name))

    def ever_learns(self, parameter: str) -> bool:
        return any(phase.learns(parameter) for phase in self.phases)

    @property
    def ever_learning(self) -> int:
        return sum(p.size for p in self.parameters if self.ever_learns(p.name))

    def index_at(self, epoch: int) -> int:
        """The index of the phase that `epoch` (from 0) belongs to; the last one afterwards."""
        for index, phase in enumerate(self.phases):
            if epoch < phase.end:
                return index
        return len(self.phases) - 1


def below(blocks: Sequence[Block], *kinds: Kind) -> list[str]:
    """Globs for the blocks of these kinds that have parameters."""
    return [f"{block.name}.*" for block in blocks if block.kind in kinds and block.parameters]
