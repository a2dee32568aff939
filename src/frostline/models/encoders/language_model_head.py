"""What a language model has above its base model: from the states of some positions to the chance of each word.

The tail is the model's own, whatever its family: its class is made with a stub in place of the base model, which passes
on as states what it is given as embeddings, so that the class's own forward runs. Only the tail's weights are read;
those that it shares with the base model are the encoder's own parameters.
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


class Stub(nn.Module):
    """Stands where the base model stood."""

    def forward(self, *args: Any, inputs_embeds: Tensor, **options: Any) -> BaseModelOutputWithPastAndCrossAttentions:
        return BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=inputs_embeds)


class LanguageModelHead(nn.Module):
    """States (B, T, D) -> logits over the vocabulary (B, T, V), each position by itself."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, states: Tensor) -> Tensor:
        logits: Tensor = self.model(inputs_embeds=states).logits
        return logits


def tail(
    objective: Objective, config: Any, base: nn.Module, place: str | None, source: Mapping[str, Any], meta: bool = False
) -> LanguageModelHead:
    """The tail of the language model whose base model is `base`.

    place: where its checkpoint is; None draws the tail anew. meta: shapes alone.

    Raises:
        UserError: the architecture has no such head, or the checkpoint has no weights for it.
    """
    try:
        with torch.device("meta"):
            whole = CLASSES[objective].from_config(config)
            whole.tie_weights()  # which transformers 5.0 leaves undone where there are shapes alone
    except ValueError as error:
        what = f"{objective!r}, but transformers has no such head for {config.model_type}"
        raise user_error("encoder.objective", what, "choose another head, or another encoder") from error
    shared = _shared(whole)
    kind = _with_stub(type(whole), _stack(whole))
    if meta:
        with torch.device("meta"):
            made = kind(config)
    else:
        made = kind(config) if place is None else _read(kind, config, place, source, shared)
    for name, original in shared.items():
        _put(made, name, _own(base, original))
    return LanguageModelHead(made)


def _stack(whole: Any) -> str:
    """The path of what the model's forward calls for its states: the base model, or a decoder inside it."""
    base = str(whole.base_model_prefix)
    inner = whole.get_decoder() if hasattr(whole, "get_decoder") else None
    return next((path for path, m in whole.named_modules() if m is inner and f"{path}.".startswith(f"{base}.")), base)


def _with_stub(kind: type, path: str) -> Any:
    def begin(self: Any, config: Any) -> None:
        kind.__init__(self, config)  # type: ignore[misc]  # of the class that is asked, not of this one's
        self.set_submodule(path, Stub())
        start, ties = f"{self.base_model_prefix}.", self.all_tied_weights_keys
        own = {name: to for name, to in ties.items() if not name.startswith(start) and not to.startswith(start)}
        self.all_tied_weights_keys = own  # the others are tied by us

    return type(kind.__name__, (kind,), {"__init__": begin, "__module__": kind.__module__})


def _read(kind: Any, config: Any, place: str, source: Mapping[str, Any], shared: Mapping[str, str]) -> Any:
    made, info = kind.from_pretrained(place, config=config, dtype=torch.float32, output_loading_info=True, **source)
    if missing := sorted(set(info["missing_keys"]) - shared.keys()):
        what = f"the checkpoint has no language-model head: it lacks '{missing[0]}'"
        raise user_error("encoder.objective", what, "set it to null, and choose a head that reads vectors")
    return made


def _shared(whole: Any) -> dict[str, str]:
    """The tail's parameters that are the base model's: name -> name within the base model."""
    start = f"{whole.base_model_prefix}."
    named = list(whole.named_parameters(remove_duplicate=False))
    below = {id(p): name.removeprefix(start) for name, p in named if name.startswith(start)}
    return {name: below[id(p)] for name, p in named if not name.startswith(start) and id(p) in below}


def _own(base: nn.Module, name: str) -> nn.Parameter:
    """By its name within the base model, however that is wrapped."""
    found = [p for own, p in base.named_parameters() if f".{own}".endswith(f".{name}")]
    if len(found) != 1:
        raise user_error(
            "encoder", f"has no parameter '{name}' that its language-model head could share", "choose another"
        )
    return found[0]


def _put(model: nn.Module, name: str, parameter: nn.Parameter) -> None:
    path, _, last = name.rpartition(".")
    setattr(model.get_submodule(path), last, parameter)
