"""Parameters that are sharded among ranks (FSDP2), and a strategy whose checkpoints do not depend on their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.strategies import ModelParallelStrategy
from lightning.pytorch.strategies.strategy import Strategy
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from frostline.models.layers import layers_of
from frostline.training.phases import PhaseEngine


class FSDP2Strategy(ModelParallelStrategy):
    """Saves and loads full tensors in one ordinary checkpoint file.

    That of Lightning would gather states by the names of the model and write one file for each rank.
    """

    lightning_restore_optimizer = True

    def __init__(self, ranks: int) -> None:
        super().__init__(data_parallel_size=ranks, tensor_parallel_size=1, save_distributed_checkpoint=False)

    def lightning_module_state_dict(self) -> dict[str, Any]:
        """Return nothing: the classifier writes its weights into the checkpoint."""
        return {}

    def optimizer_state(self, optimizer: Any) -> dict[str, Any]:
        """Return the state with full tensors, as that of one process. A collective call."""
        state: dict[str, Any] = getattr(optimizer, "_optimizer", optimizer).state_dict()
        full = {i: {key: full_tensor(value) for key, value in values.items()} for i, values in state["state"].items()}
        return state | {"state": full}

    def load_optimizer_state_dict(self, checkpoint: Mapping[str, Any]) -> None:
        for optimizer, state in zip(self.optimizers, checkpoint["optimizer_states"], strict=True):
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            sharded = {
                i: {key: shard_like(value, parameters[i]) for key, value in values.items()}
                for i, values in state["state"].items()
            }
            optimizer.load_state_dict(state | {"state": sharded})

    def load_checkpoint(self, checkpoint_path: str | Path, weights_only: bool | None = None) -> dict[str, Any]:
        return Strategy.load_checkpoint(self, checkpoint_path, weights_only)


def shard_parameters(parts: Sequence[nn.Module], engine: PhaseEngine, device_mesh: Any) -> None:
    """Shard each layer by itself, then the rest of each part; the engine gets the shards under the old names.

    The classifier is not sharded as a whole, because FSDP2 gathers where `forward` is called, and a training step
    calls the parts. Parameters are sharded again after each forward pass, which is not FSDP2's default for the
    outermost module. Otherwise the first step of a phase would use requires_grad of the phase before, and evaluation
    would use the weights from before those of the best epoch were loaded.
    """
    mesh = device_mesh["data_parallel"]
    owners = {id(p): (m, name) for part in parts for m in part.modules() for name, p in m._parameters.items()}
    for part in parts:
        layers = layers_of(part)
        for layer in [] if layers is None else layers[1]:
            fully_shard(layer, mesh=mesh, reshard_after_forward=True)
        if any(True for _ in part.parameters()):
            fully_shard(part, mesh=mesh, reshard_after_forward=True)
    for block in engine.blocks:
        for plan_name, p in list(block.parameters.items()):
            module, name = owners[id(p)]
            shard = module._parameters[name]
            assert shard is not None
            block.parameters[plan_name] = shard
    engine.collect_parameters()


def full_tensor(value: Tensor) -> Tensor:
    """Return the full tensor on every rank. A collective call if it is sharded."""
    if not isinstance(value, DTensor):
        return value
    full: Tensor = value.full_tensor()
    return full


@torch.no_grad()
def copy_full(target: Tensor, value: Tensor) -> None:
    """Copy a full tensor to `target`, of which each rank may have a shard. It is then a collective call."""
    target.copy_(shard_like(value, target))


def shard_like(value: Tensor, like: Tensor) -> Tensor:
    """Return a full tensor, sharded as `like` is."""
    if not isinstance(like, DTensor) or value.shape != like.shape:
        return value
    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)
