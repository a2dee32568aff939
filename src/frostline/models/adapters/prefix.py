from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import partial
from typing import Any

from peft import PrefixEncoder, PrefixTuningConfig
from torch import Tensor, nn
from transformers import DynamicCache

from frostline.errors import user_error
from frostline.models.adapters.virtual_tokens import DO, model_of, put_before
from frostline.types import Count

NAMES = ("cache", "past_key_values")  # of what holds the keys and values before a text, in newer and older models


class Prefix:
    """Prefix tuning (arXiv:2101.00190): keys and values that learn, before those of each text in every layer.

    They come from embeddings of `num_virtual_tokens` positions through a network of one hidden layer, as the paper has
    it, which finds them unstable when they are learned themselves; `projection: null` does that, as P-tuning v2
    (arXiv:2110.07602) does for some tasks. 10 tokens and 512 hidden units are the paper's for table-to-text.
    All of it stands below the layers, which rest and are in eval mode, as all in which nothing learns.

    projection: how many hidden units; null: the keys and values themselves learn.

        $ frostline plan adapter=prefix freezing=lp_ft
        phase  epochs  emb  emb+  0  1  head  trainable  frost line
        probe  1-10    ·    ·     ·  ·  1     387        4 of 5
        tune   11-13   ·    0.05  ·  ·  0.05  330,371    0 of 5
        330,371 of 4,699,779 parameters are trainable in at least one phase
        the frost line saves up to 47% of all passes through layers

    Raises:
        UserError: the family's attention takes no keys and values from before a text, or not so many places.
    """

    location: str | None = "embeddings"

    def __init__(self, num_virtual_tokens: Count = 10, projection: Count | None = 512) -> None:
        self.num_virtual_tokens, self.projection = num_virtual_tokens, projection

    def attach(self, encoder: nn.Module, layers: Sequence[nn.Module]) -> None:
        """Put the prefix before all that the encoder's model reads."""
        model = model_of(encoder)
        name = next((name for name in NAMES if name in inspect.signature(model.forward).parameters), None)
        if name is None:
            raise user_error("adapter", "this encoder's attention takes no keys and values from before a text", DO)
        self.layers, self.heads, self.width = _sizes(model.config)
        config = PrefixTuningConfig(
            num_virtual_tokens=self.num_virtual_tokens,
            token_dim=self.heads * self.width,
            num_layers=self.layers,
            encoder_hidden_size=self.projection or 1,  # without a network it is not read
            prefix_projection=self.projection is not None,
        )
        prefix = PrefixEncoder(config)  # type: ignore[no-untyped-call]  # untyped by its authors
        why = "this encoder's attention ignores keys and values from before a text"
        put_before(encoder, prefix, self.num_virtual_tokens, partial(self._lengthen, name), why)

    def _lengthen(self, name: str, model: nn.Module, given: dict[str, Any], prefix: Tensor) -> None:
        given[name] = self._cache(prefix, len(given["input_ids"]))

    def _cache(self, prefix: Tensor, texts: int) -> DynamicCache:
        """prefix (tokens, layers x 2 x heads x width) -> keys and values (B, heads, tokens, width) of each layer."""
        parted = prefix.view(self.num_virtual_tokens, 2 * self.layers, self.heads, self.width).permute(1, 2, 0, 3)
        cache = DynamicCache()
        for layer in range(self.layers):
            keys, values = (parted[2 * layer + i].expand(texts, -1, -1, -1) for i in range(2))
            cache.update(keys, values, layer)
        return cache


def _sizes(config: Any) -> tuple[int, int, int]:
    """Layers, heads of keys and values, and the width of one."""
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    return config.num_hidden_layers, getattr(config, "num_key_value_heads", None) or heads, width
