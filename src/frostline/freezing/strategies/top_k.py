from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import wrong
from frostline.freezing.groups import globs, layers, learning
from frostline.freezing.groups import norms as norms_of
from frostline.freezing.plan import Block, Phase, below
from frostline.types import Count


def top_k(blocks: Sequence[Block], k: Count = 1, norms: bool = False) -> tuple[Phase, ...]:
    """The k top blocks of the encoder learn with the head and all that lies between them (arXiv:1911.03090).

    norms: the norms of the frozen blocks learn too.

        $ frostline plan freezing=top_k
        phase  epochs  emb  0  1  head  learn    frost line
        top 1  1-4     ·    ·  1  1     198,659  2 of 5
        198,659 of 4,369,795 parameters learn at some time
        the frost line saves up to 19% of all passes through layers

    Raises:
        UserError: the encoder has fewer than k blocks.
    """
    found = layers(blocks)
    if k > len(found):
        do = f"give 1 to {len(found)}, or freezing=full to train the embeddings too"
        raise wrong("freezing.k", f"{k} blocks asked for, the encoder has {len(found)}", do)
    rest = norms_of(blocks) if norms else []
    return (Phase(f"top {k}", learning([*globs(found[-k:]), *below(blocks, "final", "pooler", "head"), *rest])),)
