from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from frostline.freezing.groups import layer_groups, patterns
from frostline.freezing.plan import Block, Phase
from frostline.types import Range


def discriminative(blocks: Sequence[Block], factor: Annotated[float, Range(low=1)] = 2.6) -> tuple[Phase, ...]:
    """Discriminative fine-tuning of ULMFiT (arXiv:1801.06146): train all layers, lower ones at lower learning rates.

    The learning rate of a layer is that of the next higher layer divided by `factor`; the head has the base rate, the
    embeddings the lowest. The paper's text and code agree. The paper's network has four layers; for twelve, smaller
    factors are usual (1/0.95 in arXiv:1905.05583). The same as freezing=full with freezing.layer_decay=1/factor.

        $ frostline plan freezing=discriminative
        phase           epochs  emb     0      1      head  trainable  frost line
        discriminative  1-3     0.0569  0.148  0.385  1     4,369,795  0 of 5
        4,369,795 of 4,369,795 parameters are trainable in at least one phase
    """
    rules = [(pattern, factor**-i) for i, group in enumerate(layer_groups(blocks)) for pattern in patterns(group)]
    return (Phase("discriminative", tuple(rules)),)
