from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import user_error
from frostline.freezing.groups import encoder_layers, norm_parameters, patterns, train_only
from frostline.freezing.plan import Block, Phase, patterns_of
from frostline.types import Count


def top_k(blocks: Sequence[Block], k: Count = 1, norms: bool = False) -> tuple[Phase, ...]:
    """Train the k top layers of the encoder, the head, and everything between them (arXiv:1911.03090).

    norms: the norms of the frozen layers are trained too.

        $ frostline plan freezing=top_k
        phase  epochs  emb  0  1  head  trainable  frost line
        top 1  1-4     ·    ·  1  1     198,659    2 of 5
        198,659 of 4,369,795 parameters are trainable in at least one phase
        the frost line saves up to 19% of all passes through layers

    Raises:
        UserError: the encoder has fewer than k blocks.
    """
    layers = encoder_layers(blocks)
    if k > len(layers):
        do = f"give 1 to {len(layers)}, or freezing=full to train the embeddings too"
        raise user_error("freezing.k", f"{k} blocks requested, the encoder has {len(layers)}", do)
    trained = [*patterns(layers[-k:]), *patterns_of(blocks, "final", "pooler", "head")]
    return (Phase(f"top {k}", train_only(trained + (norm_parameters(blocks) if norms else []))),)
