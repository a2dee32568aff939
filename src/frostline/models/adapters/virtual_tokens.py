"""Tokens that no text has, read before those of each text; where they are, and how many places they leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from frostline.errors import user_error

ROWS = (
    "attention_mask",
    "token_type_ids",
)  # (B, T), beside the token ids; virtual tokens are attended to, in segment 0


def model_of(encoder: nn.Module) -> Any:
    """The encoder's transformers model.

    Raises:
        UserError: it holds none, so that there is nothing to read virtual tokens.
    """
    model = getattr(encoder, "model", None)
    if not hasattr(model, "get_input_embeddings"):
        raise user_error(
            "adapter", "needs an encoder that holds a transformers model as `model`", "choose adapter=lora"
        )
    return model


def put_before(
    encoder: Any, adapter: nn.Module, tokens: int, lengthen: Callable[[Any, dict[str, Any], Tensor], None], why: str
) -> None:
    """Let the encoder's model read so many virtual tokens before each text; `adapter` makes them of their numbers.

    lengthen: puts what it made into what the model is given. why: what is wrong where they cannot learn.

    Raises:
        UserError: they leave no place for a text, or no gradient arrives at them.
    """
    _take_places(encoder, tokens)
    encoder.adapter = adapter

    def hook(model: nn.Module, args: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        numbers = torch.arange(tokens, device=given["input_ids"].device)
        lengthen(model, given, encoder.get_submodule("adapter")(numbers))
        _before(given, tokens)
        return args, given

    model_of(encoder).register_forward_pre_hook(hook, with_kwargs=True)
    _learns_from(encoder, why)


def _take_places(encoder: Any, tokens: int) -> None:
    """The longest text is from now on that much shorter.

    Raises:
        UserError: they leave no place for a text.
    """
    longest = getattr(encoder, "longest", None)
    if longest is None:
        return
    if tokens >= longest:
        do = f"give {longest - 1} or less, and shorten dataset.max_length by as many"
        raise user_error(
            "adapter.num_virtual_tokens", f"{tokens} leave no place for a text: the encoder reads {longest} in all", do
        )
    encoder.longest, encoder.virtual = longest - tokens, tokens


def _before(given: dict[str, Any], tokens: int) -> None:
    """Lengthen what a model is given beside its token ids by as many virtual tokens at the front."""
    for name in ROWS:
        if given.get(name) is not None:
            row: Tensor = given[name]
            new = torch.full((len(row), tokens), int(name == ROWS[0]), dtype=row.dtype, device=row.device)
            given[name] = torch.cat([new, row], dim=1)


def _learns_from(encoder: nn.Module, why: str) -> None:
    """Whether gradients arrive at every parameter of `encoder.adapter`, tried on one text; on shapes alone it is not.

    Raises:
        UserError: they do not: the family ignores what is put before its texts, or cannot take it.
    """
    own = list(encoder.get_submodule("adapter").parameters())
    if any(p.is_meta for p in encoder.parameters()):
        return
    training = encoder.training
    encoder.eval()
    ids = torch.tensor([[1, 2, 3]])
    try:
        states = encoder(ids, torch.ones_like(ids))
        weights = torch.linspace(-1, 1, states.numel()).view_as(states)
        gradients = torch.autograd.grad((states * weights).sum(), own, allow_unused=True)
    except Exception as error:  # whatever a family's own code raises
        raise user_error("adapter", f"{why} ({' '.join(str(error).split())[:120]})", DO) from error
    finally:
        encoder.train(training)
    if states.shape[1] != ids.shape[1] or not all(g is not None and bool(g.any()) for g in gradients):
        raise user_error("adapter", why, DO)


DO = "choose adapter=lora, which fits every family"
