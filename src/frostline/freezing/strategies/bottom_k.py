from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import wrong
from frostline.freezing.groups import globs, layers, learning
from frostline.freezing.groups import norms as norms_of
from frostline.freezing.plan import Block, Phase, below
from frostline.types import Count


def bottom_k(
    blocks: Sequence[Block], k: Count = 1, thaw_embeddings: bool = True, norms: bool = False
) -> tuple[Phase, ...]:
    """The k lowest layers learn with the head: for a shift at the input (arXiv:2210.11466, its "first block").

    The paper's own code trains what stands before the first block (the first convolution) together with it, which its
    text does not say; `thaw_embeddings` follows the code. Its head was trained already and stays frozen: see surgical.
    norms: the norms of the frozen layers learn too.

        $ frostline plan freezing=bottom_k
        phase     epochs  emb  0  1  head  learn      frost line
        bottom 1  1-4     1    1  ·  1     4,171,523  0 of 5
        4,171,523 of 4,369,795 parameters learn at some time

    Raises:
        UserError: the encoder has fewer than k layers.
    """
    found = layers(blocks)
    if k > len(found):
        do = f"give 1 to {len(found)}, or freezing=full to train all"
        raise wrong("freezing.k", f"{k} blocks asked for, the encoder has {len(found)}", do)
    lowest = below(blocks, "embeddings") if thaw_embeddings else []
    rest = norms_of(blocks) if norms else []
    return (Phase(f"bottom {k}", learning([*lowest, *globs(found[:k]), *below(blocks, "pooler", "head"), *rest])),)
