"""How many tokens an encoder can read, from its modules and not from a list of families.

A model with a table of positions (BERT, GPT-2) reads at most as many tokens as the table has rows. Rotary positions
(Llama, GPT-NeoX), ALiBi (BLOOM) and relative positions (T5, XLNet, DeBERTa-v3) have no end, even where config.json
states with how many tokens the model was pre-trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from torch import nn

from frostline.models.encoders.text_encoder import token_embeddings

STATED = ("max_position_embeddings", "max_encoder_position_embeddings", "max_seq_len")
MAX_RESERVED = 8  # rows of a table that no token of a text uses, such as that of padding
BATCH_DEPENDENT = ("dynamic", "longrope")  # scalings of rotary positions that follow from the longest text of a batch


class Positions(NamedTuple):
    """limit: the largest number of tokens that can be read. trained: the number that config.json states. Or None."""

    limit: int | None
    trained: int | None


def read_positions(config: Any, model: nn.Module, can_read: Callable[[int], bool]) -> Positions:
    """Return the positions of a transformers model.

    Args:
        can_read: runs the model on a number of tokens, without weights, and returns whether that works.
    """
    values = (getattr(config, name, None) for name in STATED)
    stated = next((value for value in values if isinstance(value, int) and value > 0), None)
    if stated is None:
        return Positions(None, None)
    if (scaled := _limit_of_scaling(config, stated)) is not None:
        return Positions(scaled, stated)
    if any(stated <= size <= stated + MAX_RESERVED for size in _table_sizes(model)):
        return Positions(stated - _reserved_rows(model), stated)
    return Positions(None if can_read(stated + 1) else stated, stated)


def _limit_of_scaling(config: Any, stated: int) -> int | None:
    """Return up to how many tokens a text's rotary positions do not depend on the other texts of its batch."""
    parameters = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None)
    for scaling in _nested(parameters):
        if scaling.get("rope_type", scaling.get("type")) in BATCH_DEPENDENT:
            original = scaling.get("original_max_position_embeddings")
            return int(original or getattr(config, "original_max_position_embeddings", None) or stated)
    return None


def _nested(values: Any) -> Iterator[Mapping[str, Any]]:
    """Yield a mapping and the mappings in it, as rope_parameters may have one for each type of layer."""
    if isinstance(values, Mapping):
        yield values
        for value in values.values():
            yield from _nested(value)


def _table_sizes(model: Any) -> Iterator[int]:
    """Yield the number of rows of each table that may hold positions."""
    words = token_embeddings(model)
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding) and module is not words:
            yield module.num_embeddings
        for attribute, value in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
            path = f"{name}.{attribute}"
            if "pos" in path and "emb" in path and value.is_floating_point() and value.ndim > 1:
                yield value.shape[-2]


def _reserved_rows(model: nn.Module) -> int:
    """Return how many rows come before that of the first token; RoBERTa reserves the rows up to that of padding."""
    tables = [m for name, m in model.named_modules() if "position" in name and isinstance(m, nn.Embedding)]
    return max((table.padding_idx + 1 for table in tables if table.padding_idx is not None), default=0)
