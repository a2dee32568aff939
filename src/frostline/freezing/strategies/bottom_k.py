from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import user_error
from frostline.freezing.groups import encoder_layers, norm_parameters, patterns, train_only
from frostline.freezing.plan import Block, Phase, patterns_of
from frostline.types import Count


def bottom_k(
    blocks: Sequence[Block], k: Count = 1, thaw_embeddings: bool = True, norms: bool = False
) -> tuple[Phase, ...]:
    """Train the k lowest layers and the head, for a shift at the input (arXiv:2210.11466, its "first block").

    The paper's own code trains the first convolution together with the first block, which its text does not mention;
    `thaw_embeddings` follows the code. The paper's head was trained before and stays frozen: see `surgical`.
    norms: the norms of the frozen layers are trained too.

        $ frostline plan freezing=bottom_k
        phase     epochs  emb  0  1  head  trainable  frost line
        bottom 1  1-4     1    1  ·  1     4,171,523  0 of 5
        4,171,523 of 4,369,795 parameters are trainable in at least one phase

    Raises:
        UserError: the encoder has fewer than k layers.
    """
    layers = encoder_layers(blocks)
    if k > len(layers):
        do = f"give 1 to {len(layers)}, or freezing=full to train all"
        raise user_error("freezing.k", f"{k} blocks requested, the encoder has {len(layers)}", do)
    lowest = patterns_of(blocks, "embeddings") if thaw_embeddings else []
    trained = [*lowest, *patterns(layers[:k]), *patterns_of(blocks, "pooler", "head")]
    return (Phase(f"bottom {k}", train_only(trained + (norm_parameters(blocks) if norms else []))),)
