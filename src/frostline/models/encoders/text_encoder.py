"""The part of a transformers model that encodes a text: the model, the encoder half of an encoder-decoder, or a tower.

T5, BART or Marian have a decoder, which writes texts and is of no use to a classifier. CLIP and its relatives have a
tower for texts beside one for images. Which of them a model is follows from its modules, without a list of families.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from frostline.errors import user_error

TEXT_TOWERS = ("text_model", "language_model")  # what transformers calls it in models of several modalities


def find_text_encoder(model: Any) -> Any:
    """Return the module of `model` that encodes a text; its parameters are all that a classifier needs.

    Raises:
        UserError: the model reads no token ids.
    """
    towers = (getattr(model, name, None) for name in TEXT_TOWERS)
    encoder = model.get_encoder() if _has_decoder(model) else next(filter(_reads_tokens, towers), model)
    if not _reads_tokens(encoder):
        what = f"{type(encoder).__name__} reads no token ids"
        raise user_error("encoder.name", what, "name a model that reads texts")
    return encoder


def token_embeddings(model: Any) -> nn.Embedding | None:
    """Return the table of token embeddings, or None for a model without one (CANINE hashes characters)."""
    try:
        table = model.get_input_embeddings()
    except (AttributeError, NotImplementedError):
        return None
    return table if isinstance(table, nn.Embedding) else None


def parameters_within(model: nn.Module, part: nn.Module, names: Iterable[str]) -> list[str]:
    """Return those of the `names` of parameters of `model` that belong to `part`, also if they are shared; sorted.

    A name that `model` does not have is returned too.
    """
    inside = {id(value) for value in [*part.parameters(), *part.buffers()]}
    everything = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
    outside = {name for name, value in everything if id(value) not in inside}
    return sorted(set(names) - outside)


def fixed_tables(model: nn.Module) -> set[str]:
    """Return the names of parameters that the family never trains, such as tables of sinusoids (Marian, RoFormer).

    model: as its class builds it, for example on the meta device; `from_pretrained` lets all parameters be trained.
    """
    return {name for name, p in model.named_parameters(remove_duplicate=False) if not p.requires_grad}


def turn_into_buffers(model: nn.Module, names: Iterable[str]) -> None:
    """Turn parameters into buffers, which belong to no block and are never trained."""
    for name in names:
        path, _, attribute = name.rpartition(".")
        module, parameter = model.get_submodule(path), model.get_parameter(name)
        delattr(module, attribute)
        module.register_buffer(attribute, parameter.detach())


def without_decoder(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of an encoder half without what concerns the decoder or the class of the checkpoint."""
    ignored = ("architectures", "is_encoder_decoder", "tie_word_embeddings", "use_cache")
    return {key: value for key, value in config.items() if "decoder" not in key and key not in ignored}


def _has_decoder(model: Any) -> bool:
    """Return whether a model has an encoder and a decoder, each of which reads token ids."""
    halves = model.get_encoder(), getattr(model, "decoder", None)
    return halves[0] is not model and all(map(_reads_tokens, halves))


def _reads_tokens(module: Any) -> bool:
    return isinstance(module, PreTrainedModel) and "input_ids" in inspect.signature(module.forward).parameters
