"""A fingerprint of weights: equal exactly when all names and all bytes are equal."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from frostline.models.blocks import ModuleBlock


def weights_digest(weights: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of the names and the bytes of `weights`, in the order of the names."""
    sha256 = hashlib.sha256()
    for name, value in sorted(weights.items()):
        sha256.update(name.encode())
        sha256.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return sha256.hexdigest()


def digest_each(weights: Mapping[str, Tensor]) -> dict[str, str]:
    """Return the SHA-256 of each tensor by its name."""
    return {name: weights_digest({name: value}) for name, value in weights.items()}


def weights_without_adapter(encoder: nn.Module, blocks: Sequence[ModuleBlock]) -> dict[str, Tensor]:
    """Return the state of the encoder without its adapter, by the names of an encoder that has none."""
    added = {id(p) for block in blocks if block.kind == "adapter" for p in block.parameters.values()}
    state = encoder.state_dict(keep_vars=True)
    return {name.replace(".base_layer.", "."): value for name, value in state.items() if id(value) not in added}
