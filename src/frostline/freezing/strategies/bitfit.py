from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import user_error
from frostline.freezing.groups import bias_parameters, train_only
from frostline.freezing.plan import Block, Phase, patterns_of


def bitfit(blocks: Sequence[Block]) -> tuple[Phase, ...]:
    """BitFit (arXiv:2106.10199): train the biases, including those of the norms, and the head.

    The paper's own code trains every parameter with the word "bias" in its name; here only tensors that are a bias are
    trained, which T5's table of relative positions is not. Biases need a higher learning rate than full fine-tuning.

        $ frostline plan freezing=bitfit
        phase   epochs  emb  0  1  head  trainable  frost line
        biases  1-5     *    *  *  1     3,331      0 of 5
        3,331 of 4,369,795 parameters are trainable in at least one phase
        * parameters of this block differ: some are frozen, or their multipliers are not the same

    Raises:
        UserError: the encoder has no biases in its layers (Llama, T5, ModernBERT).
    """
    biases = bias_parameters(blocks)
    if not any(name.startswith("encoder.layer.") for name in biases):
        do = "choose freezing=layer_norm, or freezing=top_k"
        raise user_error("freezing", "bitfit trains biases, and the encoder's layers have none", do)
    return (Phase("biases", train_only([*biases, *patterns_of(blocks, "pooler", "head")])),)
