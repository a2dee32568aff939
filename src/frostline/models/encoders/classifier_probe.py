"""A test of a classification head on two short texts: from their states it must give the logits of its class."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from frostline.errors import user_error
from frostline.models.encoders.auto_model import quiet_transformers
from frostline.models.encoders.classification_head import ClassificationHead, Side, classification_logits
from frostline.models.encoders.probe import TOLERANCE, pad_texts, short_and_long
from frostline.models.encoders.sequence_classifier import DO, load_stubbed_classifier, with_base

SIDES: tuple[Side, ...] = ("right", "left")


def build_classification_head(encoder: Any, meta: bool, **arguments: Any) -> ClassificationHead:
    """Return the layers of the class of the encoder's family above its base model.

    arguments: further ones of `load_stubbed_classifier`. meta: build it on the meta device, without a test.

    Raises:
        UserError: the family has no class with such layers.
    """
    with quiet_transformers():
        model = load_stubbed_classifier(encoder, meta=meta, **arguments)
        return ClassificationHead(model, "right" if meta else _find_padding_side(encoder, model))


def _find_padding_side(encoder: Any, model: Any) -> Side:
    """Return the side of the padding on which the class of `model` ignores it.

    The logits of each text alone, by the class with the base model of the encoder, are compared with those from the
    states of the texts in a batch. The weights of the head are random for that, as those of a new head may be 0.

    Raises:
        UserError: neither side gives the same logits, so that the class is more than layers above the states.
    """
    training = encoder.training
    encoder.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            side = _find_side(encoder, _with_random_weights(model))
    finally:
        encoder.train(training)
    if side is None:
        what = f"{type(model).__name__} does more than to apply its layers to the states of the encoder"
        raise user_error("head", f"{what}: it gives two short texts other logits", DO)
    return side


def _find_side(encoder: Any, model: Any) -> Side | None:
    full_model, texts = with_base(model, encoder.model), short_and_long(encoder, encoder.max_positions)
    alone = torch.cat([_full_logits(encoder, full_model, *pad_texts([text], encoder.pad_id)) for text in texts])
    ids, mask = pad_texts(texts, encoder.pad_id)
    states = encoder(ids, mask)
    for side in SIDES:
        logits = classification_logits(ClassificationHead(model, side), states, ids, mask)
        if bool(((logits - alone).norm(dim=1) <= TOLERANCE * alone.norm(dim=1)).all()):
            return side
    return None


def _full_logits(encoder: Any, full_model: Any, ids: Tensor, mask: Tensor) -> Tensor:
    logits: Tensor = full_model(input_ids=ids, attention_mask=mask, **encoder.token_type_inputs(ids, mask)).logits
    return logits


def _with_random_weights(model: Any) -> Any:
    """Return a copy in eval mode with matrices of random values, sampled with a fixed seed."""
    torch.manual_seed(0)
    trial = copy.deepcopy(model).eval()
    for parameter in trial.parameters():
        if parameter.ndim > 1:
            parameter.normal_(std=parameter.shape[-1] ** -0.5)
    return trial
