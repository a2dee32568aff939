"""The classification head of a family: the layers of `AutoModelForSequenceClassification` above its base model.

The class of the family has a stub in place of its base model, which returns given states and what the pooling layer of
the base model computes from them, so that the `forward` of the class runs unchanged.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from transformers.utils.generic import ModelOutput

Side = Literal["right", "left"]


class ClassificationHead(NamedTuple):
    """The layers above a base model.

    model: an instance of the class of the family, with a `PoolingStub` in place of its base model. padding_side: where
    the class expects the padding of a text.
    """

    model: Any
    padding_side: Side


@dataclass
class PooledStates(ModelOutput):
    """The output of a base model: states (B, T, D), and that of its pooling layer (B, D) if it has one."""

    last_hidden_state: Tensor | None = None
    pooler_output: Tensor | None = None
    cache: None = None
    past_key_values: None = None
    mems: None = None
    hidden_states: None = None
    attentions: None = None
    cross_attentions: None = None
    global_attentions: None = None


class PoolingStub(nn.Module):
    """Takes the place of a base model: returns the states that are set, and applies the pooling layer to them.

    pooling: the modules of the pooling layer by their names in the base model; empty if it has none.
    """

    def __init__(self, pooling: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.states: Tensor | None = None
        for name, module in pooling.items():
            self.add_module(name, module)

    def forward(self, *args: Any, **options: Any) -> PooledStates:
        """Return the states (B, T, D) that are set, whatever the arguments."""
        assert self.states is not None
        return PooledStates(last_hidden_state=self.states, pooler_output=self._pooled(self.states))

    def _pooled(self, states: Tensor) -> Tensor | None:
        if not self._modules:
            return None
        layer, *activation = self.children()
        is_linear = isinstance(layer, nn.Linear)
        pooled: Tensor = nn.Sequential(layer, *activation)(states[:, 0] if is_linear else states)
        return pooled


def classification_logits(
    head: ClassificationHead, states: Tensor, input_ids: Tensor, attention_mask: Tensor
) -> Tensor:
    """Return the logits (B, C) of states (B, T, D) of texts, each followed by its padding.

    input_ids, attention_mask: (B, T).
    """
    model = head.model
    if reads_padding(type(model)):
        input_ids = input_ids.masked_fill(attention_mask == 0, model.config.get_text_config().pad_token_id)
    if head.padding_side == "left":
        states, input_ids, attention_mask = _pad_left(attention_mask, states, input_ids, attention_mask)
    stub = model.get_submodule(model.base_model_prefix)
    stub.states = states
    try:
        logits: Tensor = model(input_ids=input_ids, attention_mask=attention_mask).logits
    finally:
        stub.states = None
    return logits


def reads_padding(model_class: Any) -> bool:
    """Return whether a class finds the last token of a text by the id of padding, as those of language models do."""
    return "pad_token_id" in inspect.getsource(inspect.unwrap(model_class.forward))


def _pad_left(attention_mask: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Move the padding of tensors (B, T, ...) from the end of each row to its start."""
    tokens = attention_mask.shape[1]
    positions = torch.arange(tokens, device=attention_mask.device)
    source = (positions + attention_mask.sum(dim=1, keepdim=True)) % tokens
    rows = torch.arange(len(source), device=source.device)[:, None]
    return tuple(tensor[rows, source] for tensor in tensors)
