"""Virtual tokens: trainable embeddings, or keys and values, before the tokens of each text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from frostline.errors import user_error

# Inputs (B, T) besides the token ids; virtual tokens are attended to, and in segment 0.
TOKEN_INPUTS = ("attention_mask", "token_type_ids")
DO = "choose adapter=lora, which fits every family"


def transformers_model(encoder: nn.Module) -> Any:
    """Return the transformers model of the encoder.

    Raises:
        UserError: the encoder has none, so that virtual tokens cannot be added.
    """
    model = getattr(encoder, "model", None)
    if not hasattr(model, "get_input_embeddings"):
        raise user_error(
            "adapter", "needs an encoder that holds a transformers model as `model`", "choose adapter=lora"
        )
    return model


def prepend_virtual_tokens(
    encoder: Any, adapter: nn.Module, tokens: int, lengthen: Callable[[Any, dict[str, Any], Tensor], None], why: str
) -> None:
    """Let the model of the encoder read `tokens` virtual tokens before each text.

    adapter: maps the indices of the virtual tokens to tensors. lengthen: adds these to the inputs of the model. why:
    the message if they receive no gradient.

    Raises:
        UserError: no positions are left for a text, or the virtual tokens receive no gradient.
    """
    _reserve_positions(encoder, tokens)
    encoder.adapter = adapter

    def hook(model: nn.Module, args: Any, inputs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        indices = torch.arange(tokens, device=inputs["input_ids"].device)
        lengthen(model, inputs, encoder.get_submodule("adapter")(indices))
        _extend_inputs(inputs, tokens)
        return args, inputs

    transformers_model(encoder).register_forward_pre_hook(hook, with_kwargs=True)
    _check_gradients(encoder, why)


def _reserve_positions(encoder: Any, tokens: int) -> None:
    """Reduce the maximum length of a text by the number of virtual tokens.

    Raises:
        UserError: no positions are left for a text.
    """
    limit = getattr(encoder, "max_positions", None)
    if limit is None:
        return
    if tokens >= limit:
        do = f"give {limit - 1} or less, and shorten dataset.max_length by as many"
        raise user_error(
            "adapter.num_virtual_tokens", f"{tokens} leave no position for a text: the encoder has {limit}", do
        )
    encoder.max_positions, encoder.num_virtual_tokens = limit - tokens, tokens


def _extend_inputs(inputs: dict[str, Any], tokens: int) -> None:
    """Extend the inputs (B, T) besides the token ids to (B, tokens + T)."""
    for name in TOKEN_INPUTS:
        if inputs.get(name) is not None:
            values: Tensor = inputs[name]
            prefix = values.new_full((len(values), tokens), int(name == "attention_mask"))
            inputs[name] = torch.cat([prefix, values], dim=1)


def _check_gradients(encoder: nn.Module, why: str) -> None:
    """Check on one text that each parameter of `encoder.adapter` receives a gradient; not on the meta device.

    Raises:
        UserError: the family ignores or rejects the virtual tokens.
    """
    parameters = list(encoder.get_submodule("adapter").parameters())
    if any(p.is_meta for p in encoder.parameters()):
        return
    training = encoder.training
    encoder.eval()
    ids = torch.tensor([[1, 2, 3]])
    try:
        states = encoder(ids, torch.ones_like(ids))
        weights = torch.linspace(-1, 1, states.numel()).view_as(states)
        gradients = torch.autograd.grad((states * weights).sum(), parameters, allow_unused=True)
    except Exception as error:  # whatever the code of a family raises
        raise user_error("adapter", f"{why} ({' '.join(str(error).split())[:120]})", DO) from error
    finally:
        encoder.train(training)
    if states.shape[1] != ids.shape[1] or not all(g is not None and bool(g.any()) for g in gradients):
        raise user_error("adapter", why, DO)
