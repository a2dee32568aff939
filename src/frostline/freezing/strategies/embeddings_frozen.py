from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import user_error
from frostline.freezing.plan import Block, Phase, patterns_of


def embeddings_frozen(blocks: Sequence[Block]) -> tuple[Phase, ...]:
    """Train everything but the embeddings, which are most of a small model's parameters (arXiv:2211.09359).

    The paper ("freeze-embed") freezes the layer with the largest gradients in vision models, so that SGD does as well
    as AdamW. Here the whole block below the lowest layer is frozen: tables, their norm, and a projection if there is
    one.

        $ frostline plan freezing=embeddings_frozen
        phase              epochs  emb  0  1  head  trainable  frost line
        embeddings frozen  1-4     ·    1  1  1     396,931    1 of 5
        396,931 of 4,369,795 parameters are trainable in at least one phase

    Raises:
        UserError: the encoder has no embeddings that are separate from its layers.
    """
    lowest = patterns_of(blocks, "embeddings")
    if not lowest:
        raise user_error(
            "freezing",
            "the encoder has no embeddings that are separate from its layers",
            "choose freezing=full or rules",
        )
    return (Phase("embeddings frozen", (*((pattern, None) for pattern in lowest), ("*", 1.0))),)
