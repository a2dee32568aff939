from __future__ import annotations

from collections.abc import Sequence

from peft import IA3Config
from peft.utils.constants import TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING as USUAL_INPUTS
from peft.utils.constants import TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING as USUAL
from torch import nn

from frostline.errors import user_error
from frostline.models.adapters.lora_targets import family, inject, linear_layers, matching, named, transposed

ATTENTION = ("attention", "attn", "self_attn", "SelfAttention")


class IA3:
    """(IA)3 (arXiv:2205.05638): keys, values and the inner activations of the feed-forward part are rescaled.

    Each target has a vector of factors, which begin as one and are not decayed. They are few: they want a high rate.

    outputs: names of linear layers whose output is rescaled, as keys and values are.
    inputs: names of those whose input is, as that of the feed-forward part's second layer.
    Both null: what is usual in the family, by peft's list, less the output layer of BERT's attention, which peft's
    pattern takes for a feed-forward layer and the paper does not rescale.

        $ frostline plan adapter=ia3 freezing=lp_ft
        phase  epochs  emb  0  0+    1  1+    head  trainable  frost line
        probe  1-10    ·    ·  ·     ·  ·     1     387        4 of 5
        tune   11-13   ·    ·  0.05  ·  0.05  0.05  1,923      1 of 5
        1,923 of 4,371,331 parameters are trainable in at least one phase
        the frost line saves up to 47% of all passes through layers

    Raises:
        UserError: a name matches nothing, or nothing is usual in the family.
    """

    location: str | None = "layers"

    def __init__(self, outputs: Sequence[str] | None = None, inputs: Sequence[str] | None = None) -> None:
        self.outputs, self.inputs = outputs, inputs

    def attach(self, encoder: nn.Module, layers: Sequence[nn.Module]) -> None:
        """Put the factors into the encoder's layers."""
        paths = list(linear_layers(encoder, layers))
        if self.outputs is None and self.inputs is None:
            outputs, inputs = _usual(encoder, paths)
        else:
            outputs = named(paths, self.outputs, "adapter.outputs") if self.outputs else []
            inputs = named(paths, self.inputs, "adapter.inputs") if self.inputs else []
        every = [*outputs, *inputs]
        if not every:
            raise user_error("adapter", "IA3 knows no targets in this encoder", _DO)
        turned = transposed(encoder, every)
        inject(IA3Config(target_modules=every, feedforward_modules=inputs, fan_in_fan_out=turned), encoder)


_DO = "name them in adapter.outputs and adapter.inputs, or choose adapter=lora"


def _usual(encoder: nn.Module, paths: list[str]) -> tuple[list[str], list[str]]:
    """Paths of what is rescaled after it and before it."""
    kind = family(encoder) or ""
    every, inputs = matching(paths, USUAL.get(kind, ())), matching(paths, USUAL_INPUTS.get(kind, ()))
    return [p for p in every if p not in inputs], [p for p in inputs if not set(ATTENTION) & set(p.split("."))]
