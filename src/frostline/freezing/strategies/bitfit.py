from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import wrong
from frostline.freezing.groups import biases, learning
from frostline.freezing.plan import Block, Phase, below


def bitfit(blocks: Sequence[Block]) -> tuple[Phase, ...]:
    """BitFit (arXiv:2106.10199): the biases learn, those of the norms among them, and the head.

    The paper's own code takes every parameter with the word "bias" in its name; here it is the tensors that are a
    bias, so that T5's table of relative positions is none. Biases want a higher rate than full fine-tuning.

        $ frostline plan freezing=bitfit
        phase   epochs  emb  0  1  head  learn  frost line
        biases  1-5     *    *  *  1     3,331  0 of 5
        3,331 of 4,369,795 parameters learn at some time

    Raises:
        UserError: the encoder has no biases in its layers (Llama, T5, ModernBERT).
    """
    found = biases(blocks)
    if not any(name.startswith("encoder.layer.") for name in found):
        do = "choose freezing=layer_norm, or freezing=top_k"
        raise wrong("freezing", "bitfit trains biases, and the encoder's layers have none", do)
    return (Phase("biases", learning([*found, *below(blocks, "pooler", "head")])),)
