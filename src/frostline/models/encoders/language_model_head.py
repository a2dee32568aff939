"""The language-model head of a checkpoint: from the states of some positions to logits over the vocabulary.

The head is that of the model, whatever its family. Its class is built with a stub in place of the base model, which
returns its input embeddings as states, so that the `forward` of the class runs unchanged. Only the weights of the head
are read; those that it shares with the base model are the parameters of the encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM
from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

from frostline.errors import user_error
from frostline.models.encoders.objectives import Objective

CLASSES: Mapping[Objective, Any] = {"masked": AutoModelForMaskedLM, "causal": AutoModelForCausalLM}


class BaseModelStub(nn.Module):
    """Takes the place of the base model and returns its input embeddings as the last hidden state."""

    def forward(self, *args: Any, inputs_embeds: Tensor, **options: Any) -> BaseModelOutputWithPastAndCrossAttentions:
        return BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=inputs_embeds)


class LanguageModelHead(nn.Module):
    """Maps states (B, T, D) to logits over the vocabulary (B, T, V), each position by itself."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, states: Tensor) -> Tensor:
        logits: Tensor = self.model(inputs_embeds=states).logits
        return logits


def build_language_model_head(
    objective: Objective, config: Any, base: nn.Module, path: str | None, source: Mapping[str, Any], meta: bool = False
) -> LanguageModelHead:
    """Return the head of the language model whose base model is `base`.

    path: the folder or the hub id of the checkpoint; None initialises the head at random. source: further arguments of
    `from_pretrained`. meta: build the head on the meta device, without weights.

    Raises:
        UserError: the architecture has no such head, or the checkpoint has no weights for it.
    """
    try:
        with torch.device("meta"):
            full_model = CLASSES[objective].from_config(config)
            full_model.tie_weights()  # transformers 5.0 does not do this on the meta device
    except ValueError as error:
        what = f"{objective!r}, but transformers has no such head for {config.model_type}"
        raise user_error("encoder.objective", what, "choose another head, or another encoder") from error
    shared = _shared_parameters(full_model)
    head_class = _class_with_stub(type(full_model), _base_model_path(full_model))
    if meta:
        with torch.device("meta"):
            head = head_class(config)
    else:
        head = head_class(config) if path is None else _load_head(head_class, config, path, source, shared)
    for name, base_name in shared.items():
        _set_parameter(head, name, _base_parameter(base, base_name))
    return LanguageModelHead(head)


def _base_model_path(full_model: Any) -> str:
    """Return the path of the module that gives the head its states: the base model, or a decoder inside it."""
    base = str(full_model.base_model_prefix)
    decoder = full_model.get_decoder() if hasattr(full_model, "get_decoder") else None
    modules = full_model.named_modules()
    return next((path for path, m in modules if m is decoder and f"{path}.".startswith(f"{base}.")), base)


def _class_with_stub(model_class: type, path: str) -> Any:
    """Return a subclass whose instances have a `BaseModelStub` at `path`."""

    def init_with_stub(self: Any, config: Any) -> None:
        model_class.__init__(self, config)  # type: ignore[misc]  # the class that is given, not that of `self`
        self.set_submodule(path, BaseModelStub())
        prefix, tied = f"{self.base_model_prefix}.", self.all_tied_weights_keys
        within_head = {a: b for a, b in tied.items() if not a.startswith(prefix) and not b.startswith(prefix)}
        self.all_tied_weights_keys = within_head  # `build_language_model_head` ties the rest

    return type(
        model_class.__name__, (model_class,), {"__init__": init_with_stub, "__module__": model_class.__module__}
    )


def _load_head(
    head_class: Any, config: Any, path: str, source: Mapping[str, Any], shared: Mapping[str, str]
) -> nn.Module:
    options = {"config": config, "dtype": torch.float32, "output_loading_info": True}
    head: nn.Module
    head, info = head_class.from_pretrained(path, **options, **source)
    if missing := sorted(set(info["missing_keys"]) - shared.keys()):
        what = f"the checkpoint has no language-model head: it lacks '{missing[0]}'"
        raise user_error("encoder.objective", what, "set it to null, and choose a head that reads vectors")
    return head


def _shared_parameters(full_model: Any) -> dict[str, str]:
    """Return the parameters of the head that belong to the base model: name -> name within the base model."""
    prefix = f"{full_model.base_model_prefix}."
    parameters = list(full_model.named_parameters(remove_duplicate=False))
    in_base = {id(p): name.removeprefix(prefix) for name, p in parameters if name.startswith(prefix)}
    return {name: in_base[id(p)] for name, p in parameters if not name.startswith(prefix) and id(p) in in_base}


def _base_parameter(base: nn.Module, name: str) -> nn.Parameter:
    """Return a parameter by its name within the base model, also if the base model is wrapped."""
    matches = [p for path, p in base.named_parameters() if f".{path}".endswith(f".{name}")]
    if len(matches) != 1:
        raise user_error(
            "encoder", f"has no parameter '{name}' that its language-model head could share", "choose another"
        )
    return matches[0]


def _set_parameter(model: nn.Module, name: str, parameter: nn.Parameter) -> None:
    path, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(path), attribute, parameter)
