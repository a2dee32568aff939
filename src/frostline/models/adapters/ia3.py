from __future__ import annotations

from collections.abc import Sequence

from peft import IA3Config
from peft.utils.constants import TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING as USUAL_INPUTS
from peft.utils.constants import TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING as USUAL
from torch import nn

from frostline.errors import user_error
from frostline.models.adapters.lora_targets import (
    inject_peft_layers,
    linear_layers,
    matching_paths,
    model_family,
    required_paths,
    stores_weights_transposed,
)

ATTENTION = ("attention", "attn", "self_attn", "SelfAttention")


class IA3:
    """(IA)3 (arXiv:2205.05638): rescales keys, values and the inner activations of feed-forward layers.

    Each target has a vector of factors, initialised to one and without weight decay. There are few of them, so they
    need a high learning rate.

    outputs: names of linear layers whose output is rescaled, as for keys and values.
    inputs: names of linear layers whose input is rescaled, as for the second layer of a feed-forward block.
    Both null: the usual layers of the family, from the list of peft, without the output layer of the attention of BERT,
    which the pattern of peft takes for a feed-forward layer and the paper does not rescale.

        $ frostline plan adapter=ia3 freezing=lp_ft
        phase  epochs  emb  0  0+    1  1+    head  trainable  frost line
        probe  1-10    ·    ·  ·     ·  ·     1     387        4 of 5
        tune   11-13   ·    ·  0.05  ·  0.05  0.05  1,923      1 of 5
        1,923 of 4,371,331 parameters are trainable in at least one phase
        the frost line saves up to 47% of all passes through layers

    Raises:
        UserError: a name matches nothing, or peft lists no layers for the family.
    """

    location: str | None = "layers"
    mergeable = True

    def __init__(self, outputs: Sequence[str] | None = None, inputs: Sequence[str] | None = None) -> None:
        self.outputs, self.inputs = outputs, inputs

    def attach(self, encoder: nn.Module, layers: Sequence[nn.Module]) -> None:
        """Add the factors to the layers of the encoder."""
        paths = list(linear_layers(encoder, layers))
        if self.outputs is None and self.inputs is None:
            outputs, inputs = _usual(encoder, paths)
        else:
            outputs = required_paths(paths, self.outputs, "adapter.outputs") if self.outputs else []
            inputs = required_paths(paths, self.inputs, "adapter.inputs") if self.inputs else []
        every = [*outputs, *inputs]
        if not every:
            raise user_error("adapter", "IA3 knows no targets in this encoder", _DO)
        is_transposed = stores_weights_transposed(encoder, every)
        inject_peft_layers(
            IA3Config(target_modules=every, feedforward_modules=inputs, fan_in_fan_out=is_transposed), encoder
        )


_DO = "name them in adapter.outputs and adapter.inputs, or choose adapter=lora"


def _usual(encoder: nn.Module, paths: list[str]) -> tuple[list[str], list[str]]:
    """Return the paths of the layers whose output is rescaled, and of those whose input is."""
    kind = model_family(encoder) or ""
    every, inputs = matching_paths(paths, USUAL.get(kind, ())), matching_paths(paths, USUAL_INPUTS.get(kind, ()))
    return [p for p in every if p not in inputs], [p for p in inputs if not set(ATTENTION) & set(p.split("."))]
