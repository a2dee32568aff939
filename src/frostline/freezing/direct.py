from __future__ import annotations

from collections.abc import Sequence

from frostline.plan import Block, Phase


def direct(blocks: Sequence[Block]) -> tuple[Phase, ...]:
    """Applied directly: nothing learns, the head is as it was initialised. Shows what the model is worth as it is."""
    return (Phase("direct", (("*", None),)),)
