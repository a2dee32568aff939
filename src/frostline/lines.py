"""What can be kept of texts below the frost line of a phase, and what of the model it follows from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from frostline.plan import Block, Plan, PlannedPhase

Kept = Literal["vectors", "stack", "output", "states"]


class Line(NamedTuple):
    """What is kept of each text.

    vectors: the pooler's (1, D), where nothing but the head learns; stack: one of every layer (L + 1, D), for a pooler
    that mixes them; output: the encoder's states (T, D), for another pooler that learns; states: those after the
    `layers` lowest layers (T, D).
    """

    kept: Kept
    layers: int = 0

    @property
    def by_token(self) -> bool:
        return self.kept in ("output", "states")


def resting(plan: Plan, phase: PlannedPhase) -> tuple[list[Block], Block | None]:
    """The blocks below the first in which something learns, and that one; an adapter's host is not below it."""
    below: list[Block] = []
    for block in plan.blocks:
        if any(phase.learns(p.name) for p in block.parameters):
            return below[: -1 if block.kind == "adapter" else None], block
        below.append(block)
    return below, None


def line_over(below: Sequence[Block], above: Block | None, mixes: bool, stacks: bool) -> Line | None:
    """The line over blocks that rest; None: nothing that is worth keeping is known of the texts.

    mixes: the pooler reads the states of every layer; stacks: it makes one vector of each first.
    """
    if above is None or above.kind == "head":
        return Line("vectors")
    if above.kind == "pooler" and mixes:
        return Line("stack") if stacks else None
    if above.kind == "pooler":
        return Line("output")
    layers = sum(block.kind == "layer" for block in below)
    return Line("states", layers) if layers and not mixes else None
