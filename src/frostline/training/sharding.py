"""Parameters that are shared out among ranks (FSDP2): who holds what, whole again, and put back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from frostline.models.layers import layers_of
from frostline.training.phases import PhaseEngine


def share_out(parts: Sequence[nn.Module], engine: PhaseEngine, device_mesh: Any) -> bool:
    """Each layer by itself, then what is left of each part; the engine holds the shards by the old names.

    Not the classifier as a whole: its own forward is not what a step calls, and that is where FSDP2 gathers. Nothing
    stays gathered after a forward, as FSDP2 would have it of the outermost: a phase's first step would still find who
    learned in the phase before, and scores would be those of weights before the best were put back.
    """
    mesh = device_mesh["data_parallel"]
    places = {id(p): (m, name) for part in parts for m in part.modules() for name, p in m._parameters.items()}
    for part in parts:
        found = layers_of(part)
        for layer in [] if found is None else found[1]:
            fully_shard(layer, mesh=mesh, reshard_after_forward=True)
        if any(True for _ in part.parameters()):
            fully_shard(part, mesh=mesh, reshard_after_forward=True)
    for block in engine.blocks:
        for name, p in list(block.parameters.items()):
            module, own = places[id(p)]
            shard = module._parameters[own]
            assert shard is not None
            block.parameters[name] = shard
    engine.collect_parameters()
    return True


def whole(value: Tensor) -> Tensor:
    """All of it on every rank. A collective call where it is shared out."""
    if not isinstance(value, DTensor):
        return value
    found: Tensor = value.full_tensor()
    return found


@torch.no_grad()
def put(place: Tensor, value: Tensor) -> None:
    """Copy a whole tensor to its place, on every rank its own share. A collective call where it is shared out."""
    place.copy_(spread(value, place))


def spread(value: Tensor, like: Tensor) -> Tensor:
    """Shared out as `like` is."""
    if not isinstance(like, DTensor) or value.shape != like.shape:
        return value
    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)
