from __future__ import annotations

from collections.abc import Sequence

from frostline.freezing.groups import above, learning
from frostline.freezing.plan import Block, Phase


def frozen(blocks: Sequence[Block]) -> tuple[Phase, ...]:
    """Linear probing: the encoder stays as it was pre-trained, the head learns, and a pooler that has parameters.

    $ frostline plan freezing=frozen
    phase  epochs  emb  0  1  head  learn  frost line
    probe  1-20    ·    ·  ·  1     387    4 of 5
    387 of 4,369,795 parameters learn at some time
    the frost line saves up to 95% of all passes through layers
    """
    return (Phase("probe", learning(above(blocks))),)
