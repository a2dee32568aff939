"""The token types of texts and pairs, as the tokenizer of a family assigns them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def token_types(
    input_ids: Tensor, attention_mask: Tensor, separator: int | None, special_types: Mapping[int, int]
) -> Tensor:
    """Return the token types (B, T) of input_ids (B, T) under attention_mask (B, T).

    separator: the token before the second text of a pair; None for single texts. special_types: the types of special
    tokens, such as 2 for the <cls> of XLNet.
    """
    types = torch.zeros_like(input_ids) if separator is None else _segment_ids(input_ids, attention_mask, separator)
    for token, kind in special_types.items():
        types = types.masked_fill(input_ids == token, kind)
    return types


def _segment_ids(input_ids: Tensor, attention_mask: Tensor, separator: int) -> Tensor:
    """Return segment ids (B, T): 0 up to and including the first separator, 1 for the second text of a pair."""
    ends = torch.eq(input_ids, separator).long()
    return (ends.cumsum(dim=1) - ends).clamp(max=1) * attention_mask


def segment_separator(config: Any, tokenizer: Any, has_types: bool) -> int | None:
    """Return the token before a second segment if the family (as BERT) was trained with two segments, else None."""
    input_names = getattr(tokenizer, "model_input_names", ())
    has_segments = has_types or getattr(config, "type_vocab_size", 0) > 1
    return tokenizer.sep_token_id if has_segments and "token_type_ids" in input_names else None


def special_token_types(tokenizer: Any) -> dict[int, int]:
    """Return the special tokens to which the tokenizer gives a type other than 0 in a single text, with the types."""
    if "token_type_ids" not in getattr(tokenizer, "model_input_names", ()):
        return {}
    encoded = tokenizer("a")
    pairs = zip(encoded["input_ids"], encoded["token_type_ids"], strict=True)
    return {token: kind for token, kind in pairs if kind and token in tokenizer.all_special_ids}
