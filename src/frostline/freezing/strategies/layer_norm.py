from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import user_error
from frostline.freezing.groups import norm_parameters, train_only
from frostline.freezing.plan import Block, Phase, patterns_of


def layer_norm(blocks: Sequence[Block]) -> tuple[Phase, ...]:
    """LN-tuning (arXiv:2211.08682): train the gain and bias of every norm, and the head.

    Norms, RMSNorms included, are recognised by their names (LayerNorm, layer_norm, norm, ln_1 and the like); the norm
    of the embeddings and the final norm are among them.

        $ frostline plan freezing=layer_norm
        phase  epochs  emb  0  1  head  trainable  frost line
        norms  1-5     *    *  *  1     1,667      0 of 5
        1,667 of 4,369,795 parameters are trainable in at least one phase
        * parameters of this block differ: some are frozen, or their multipliers are not the same

    Raises:
        UserError: no module of the encoder has the name of a norm.
    """
    norms = norm_parameters(blocks)
    if not norms:
        do = "choose freezing=bitfit, or name them in freezing=rules"
        raise user_error("freezing", "layer_norm trains norms, and no module of the encoder has the name of a norm", do)
    return (Phase("norms", train_only([*norms, *patterns_of(blocks, "pooler", "head")])),)
