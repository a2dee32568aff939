"""What can be kept of texts below the frost line of a phase, and what of the model it follows from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

from frostline.freezing.plan import Block, Plan, PlannedPhase

Kept = Literal["vectors", "stack", "output", "states"]


class CachePoint(NamedTuple):
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
    """The blocks below head and frost line, and the next, in which or in whose adapter something learns if anywhere."""
    heights = accumulate(block.kind != "adapter" for block in plan.blocks)
    under = [block for block, height in zip(plan.blocks, heights, strict=True) if height <= phase.line]
    below = [block for block in under if block.kind != "head"]
    return below, next(iter(plan.blocks[len(below) :]), None)


def up_to(blocks: Sequence[Block], layers: int) -> list[Block]:
    """Those of them that the states after the `layers` lowest layers follow from."""
    counts = accumulate(block.kind == "layer" for block in blocks)
    below = ("embeddings", "layer", "adapter")
    return [block for block, count in zip(blocks, counts, strict=True) if count <= layers and block.kind in below]


def line_over(below: Sequence[Block], above: Block | None, mixes: bool, stacks: bool) -> CachePoint | None:
    """The line over blocks that rest; None: nothing that is worth keeping is known of the texts.

    mixes: the pooler reads the states of every layer; stacks: it makes one vector of each first.
    """
    if above is None or above.kind == "head":
        return CachePoint("vectors")
    if above.kind == "pooler" and mixes:
        return CachePoint("stack") if stacks else None
    if above.kind == "pooler":
        return CachePoint("output")
    layers = sum(block.kind == "layer" for block in below)
    return CachePoint("states", layers) if layers and not mixes else None
