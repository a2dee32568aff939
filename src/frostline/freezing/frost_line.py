"""The frost line of a phase: which blocks are frozen below it, and which states of a text can be cached there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

from frostline.freezing.plan import Block, Plan, PlannedPhase

CachedKind = Literal["vectors", "stack", "output", "states"]


class CachePoint(NamedTuple):
    """What is cached of each text of T tokens, for an encoder of width D and L layers.

    vectors: the pooled vector (1, D), where only the head is trainable.
    stack: the pooled vectors of every layer (L + 1, D), for a pooler that mixes layers.
    output: the output of the encoder (T, D), for any other pooler that is trainable, and a head that reads states.
    states: the states after the `layers` lowest layers (T, D).
    """

    kind: CachedKind
    layers: int = 0

    @property
    def by_token(self) -> bool:
        """Return whether states of single tokens are cached."""
        return self.kind in ("output", "states")


def frozen_blocks(plan: Plan, phase: PlannedPhase) -> tuple[list[Block], Block | None]:
    """Return the blocks below the frost line, without the head, and the block above them (None above the last one).

    The block above, or its adapter, is trainable if anything is.
    """
    heights = accumulate(block.kind != "adapter" for block in plan.blocks)
    below = [block for block, height in zip(plan.blocks, heights, strict=True) if height <= phase.frost_line]
    frozen = [block for block in below if block.kind != "head"]
    return frozen, next(iter(plan.blocks[len(frozen) :]), None)


def blocks_up_to(blocks: Sequence[Block], layers: int) -> list[Block]:
    """Return the blocks that determine the states after the `layers` lowest layers."""
    counts = accumulate(block.kind == "layer" for block in blocks)
    kinds = ("embeddings", "layer", "adapter")
    return [block for block, count in zip(blocks, counts, strict=True) if count <= layers and block.kind in kinds]


def cache_point_above(
    frozen: Sequence[Block], above: Block | None, mixes: bool, stacks: bool, reads_states: bool = False
) -> CachePoint | None:
    """Return what can be cached above frozen blocks, or None if caching would save no pass through a layer.

    mixes: the pooler reads the states of every layer; stacks: it pools each layer to one vector first. reads_states:
    the head reads the states of all tokens.
    """
    if above is None or above.kind == "head":
        return CachePoint("output" if reads_states else "vectors")
    if above.kind == "pooler" and mixes:
        return CachePoint("stack") if stacks else None
    if above.kind == "pooler":
        return CachePoint("output")
    layers = sum(block.kind == "layer" for block in frozen)
    return CachePoint("states", layers) if layers and not mixes else None
