from __future__ import annotations

from collections.abc import Sequence

from frostline.freezing.plan import Block, Phase


def direct(blocks: Sequence[Block]) -> tuple[Phase, ...]:
    """Train nothing: the pre-trained model with a newly initialised head, as a reference for all other strategies.

    $ frostline plan freezing=direct
    phase   epochs  emb  0  1  head  trainable  frost line
    direct  -       ·    ·  ·  ·     0          5 of 5
    0 of 4,369,795 parameters are trainable in at least one phase
    """
    return (Phase("direct", (("*", None),)),)
