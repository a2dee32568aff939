from __future__ import annotations

from collections.abc import Sequence

from frostline.plan import Block, Phase


def frozen(blocks: Sequence[Block]) -> tuple[Phase, ...]:
    """Linear probing: the encoder stays as it was pre-trained, the head alone learns.

    $ frostline plan freezing=frozen
    phase  epochs  emb  0  1  head  learn  frost line
    probe  1-20    ·    ·  ·  1     387    4 of 5
    387 of 4,369,795 parameters learn at some time
    """
    return (Phase("probe", (("head.*", 1.0), ("*", None))),)
