from __future__ import annotations

from collections.abc import Sequence

from frostline.plan import Block, Phase


def full(blocks: Sequence[Block]) -> tuple[Phase, ...]:
    """Full fine-tuning: every parameter learns at the base rate, from the first step to the last."""
    return (Phase("full", (("*", 1.0),)),)
