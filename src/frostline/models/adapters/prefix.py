from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import partial
from typing import Any

from peft import PrefixEncoder, PrefixTuningConfig
from torch import Tensor, nn
from transformers import DynamicCache

from frostline.errors import user_error
from frostline.models.adapters.virtual_tokens import DO, prepend_virtual_tokens, transformers_model
from frostline.types import Count

NAMES = ("cache", "past_key_values")  # arguments for keys and values before a text, in newer and older models


class Prefix:
    """Prefix tuning (arXiv:2101.00190): trainable keys and values before those of each text in every layer.

    They are computed from embeddings of the virtual tokens by a network with one hidden layer, since the paper
    observes that training is unstable without it; `projection: null` trains them directly, as P-tuning v2
    (arXiv:2110.07602) does for some tasks. The paper uses 10 tokens and 512 hidden units for table-to-text.
    The prefix is a block below the layers, which are frozen and in eval mode.

    projection: the number of hidden units; null: the keys and values themselves are trained.

        $ frostline plan adapter=prefix freezing=lp_ft
        phase  epochs  emb  emb+  0  1  head  trainable  frost line
        probe  1-10    ·    ·     ·  ·  1     387        4 of 5
        tune   11-13   ·    0.05  ·  ·  0.05  330,371    0 of 5
        330,371 of 4,699,779 parameters are trainable in at least one phase
        the frost line saves up to 47% of all passes through layers

    Raises:
        UserError: the attention of the family takes no keys and values before a text, or has too few positions.
    """

    location: str | None = "embeddings"

    def __init__(self, num_virtual_tokens: Count = 10, projection: Count | None = 512) -> None:
        self.num_virtual_tokens, self.projection = num_virtual_tokens, projection

    def attach(self, encoder: nn.Module, layers: Sequence[nn.Module]) -> None:
        """Add the prefix to the model of the encoder."""
        model = transformers_model(encoder)
        name = next((name for name in NAMES if name in inspect.signature(model.forward).parameters), None)
        if name is None or not hasattr(model.config, "num_attention_heads"):  # Mamba has a cache and no attention
            raise user_error("adapter", "this encoder's attention takes no keys and values from before a text", DO)
        self.layers, self.heads, self.width = _sizes(model.config)
        config = PrefixTuningConfig(
            num_virtual_tokens=self.num_virtual_tokens,
            token_dim=self.heads * self.width,
            num_layers=self.layers,
            encoder_hidden_size=self.projection or 1,  # not used without a projection
            prefix_projection=self.projection is not None,
        )
        prefix = PrefixEncoder(config)  # type: ignore[no-untyped-call]  # untyped by its authors
        why = "this encoder's attention ignores keys and values from before a text"
        prepend_virtual_tokens(encoder, prefix, self.num_virtual_tokens, partial(self._lengthen, name), why)

    def _lengthen(self, name: str, model: nn.Module, inputs: dict[str, Any], prefix: Tensor) -> None:
        inputs[name] = self._key_value_cache(prefix, len(inputs["input_ids"]))

    def _key_value_cache(self, prefix: Tensor, texts: int) -> DynamicCache:
        """Return keys and values (B, heads, tokens, width) of each layer from `prefix`.

        prefix: (tokens, layers x 2 x heads x width).
        """
        by_layer = prefix.view(self.num_virtual_tokens, 2 * self.layers, self.heads, self.width).permute(1, 2, 0, 3)
        cache = DynamicCache()
        for layer in range(self.layers):
            keys, values = (by_layer[2 * layer + i].expand(texts, -1, -1, -1) for i in range(2))
            cache.update(keys, values, layer)
        return cache


def _sizes(config: Any) -> tuple[int, int, int]:
    """Return the number of layers, the number of key and value heads, and the width of a head."""
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    return config.num_hidden_layers, getattr(config, "num_key_value_heads", None) or heads, width
