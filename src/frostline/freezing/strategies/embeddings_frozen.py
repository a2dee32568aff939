from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import wrong
from frostline.freezing.plan import Block, Phase, below


def embeddings_frozen(blocks: Sequence[Block]) -> tuple[Phase, ...]:
    """All learns but the embeddings, which hold most of a small model's numbers (arXiv:2211.09359, "freeze-embed").

    The paper freezes the layer whose gradients are the largest in vision models, so that SGD does as well as AdamW.
    Here the whole block below the lowest layer is frozen: tables, their norm, and a projection where there is one.

        $ frostline plan freezing=embeddings_frozen
        phase              epochs  emb  0  1  head  learn    frost line
        embeddings frozen  1-4     ·    1  1  1     396,931  1 of 5
        396,931 of 4,369,795 parameters learn at some time

    Raises:
        UserError: the encoder has no embeddings that stand apart from its layers.
    """
    lowest = below(blocks, "embeddings")
    if not lowest:
        raise wrong("freezing", "the encoder has no embeddings apart from its layers", "choose freezing=full or rules")
    return (Phase("embeddings frozen", (*((pattern, None) for pattern in lowest), ("*", 1.0))),)
