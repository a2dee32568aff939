from __future__ import annotations

from collections.abc import Sequence

from frostline.freezing.plan import Block, Phase


def full(blocks: Sequence[Block]) -> tuple[Phase, ...]:
    """Full fine-tuning: train every parameter at the base learning rate from the first step to the last.

    $ frostline plan freezing=full
    phase  epochs  emb  0  1  head  trainable  frost line
    full   1-3     1    1  1  1     4,369,795  0 of 5
    4,369,795 of 4,369,795 parameters are trainable in at least one phase
    """
    return (Phase("full", (("*", 1.0),)),)
