from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from frostline.freezing.groups import globs, tiers
from frostline.freezing.plan import Block, Phase
from frostline.types import Range


def discriminative(blocks: Sequence[Block], factor: Annotated[float, Range(low=1)] = 2.6) -> tuple[Phase, ...]:
    """Discriminative fine-tuning of ULMFiT (arXiv:1801.06146): all learn, the lower the slower.

    Each layer's rate is that of the next higher one divided by `factor`; the head has the base rate, the embeddings
    the lowest. The paper's text and code agree. Meant for its four layers; for twelve, milder factors are usual
    (1/0.95 in arXiv:1905.05583). The same as freezing=full with freezing.layer_decay=1/factor.

        $ frostline plan freezing=discriminative
        phase           epochs  emb     0      1      head  learn      frost line
        discriminative  1-3     0.0569  0.148  0.385  1     4,369,795  0 of 5
        4,369,795 of 4,369,795 parameters learn at some time
    """
    rules = [(pattern, factor**-i) for i, tier in enumerate(tiers(blocks)) for pattern in globs(tier)]
    return (Phase("discriminative", tuple(rules)),)
