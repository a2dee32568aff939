from __future__ import annotations

from collections.abc import Sequence

from frostline.freezing.groups import pooler_and_head, train_only
from frostline.freezing.plan import Block, Phase


def frozen(blocks: Sequence[Block]) -> tuple[Phase, ...]:
    """Linear probing: freeze the encoder, and train the head and the parameters of the pooler, if it has any.

    $ frostline plan freezing=frozen
    phase  epochs  emb  0  1  head  trainable  frost line
    probe  1-20    ·    ·  ·  1     387        4 of 5
    387 of 4,369,795 parameters are trainable in at least one phase
    the frost line saves up to 95% of all passes through layers
    """
    return (Phase("probe", train_only(pooler_and_head(blocks))),)
