from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import wrong
from frostline.freezing.groups import learning
from frostline.freezing.groups import norms as norms_of
from frostline.freezing.plan import Block, Phase, below


def layer_norm(blocks: Sequence[Block]) -> tuple[Phase, ...]:
    """LN-tuning (arXiv:2211.08682): gain and bias of every norm learn, and the head.

    Norms are known by their names (LayerNorm, layer_norm, norm, ln_1 and the like), an RMSNorm too; the norm of the
    embeddings and the final one are among them.

        $ frostline plan freezing=layer_norm
        phase  epochs  emb  0  1  head  learn  frost line
        norms  1-5     *    *  *  1     1,667  0 of 5
        1,667 of 4,369,795 parameters learn at some time

    Raises:
        UserError: no part of the encoder has a norm's name.
    """
    found = norms_of(blocks)
    if not found:
        do = "choose freezing=bitfit, or name them in freezing=rules"
        raise wrong("freezing", "layer_norm trains norms, and no part of the encoder has a norm's name", do)
    return (Phase("norms", learning([*found, *below(blocks, "pooler", "head")])),)
