from __future__ import annotations

from collections.abc import Sequence

from frostline.freezing.plan import Block, Phase


def direct(blocks: Sequence[Block]) -> tuple[Phase, ...]:
    """Applied directly: nothing learns, the head is as it was initialised. Shows what the model is worth as it is.

    $ frostline plan freezing=direct
    phase   epochs  emb  0  1  head  learn  frost line
    direct  -       ·    ·  ·  ·     0      5 of 5
    0 of 4,369,795 parameters learn at some time
    """
    return (Phase("direct", (("*", None),)),)
