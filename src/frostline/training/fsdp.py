"""The FSDP2 strategy, whose resume points are whole: one file, whatever the number of ranks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.strategies import ModelParallelStrategy
from lightning.pytorch.strategies.strategy import Strategy

from frostline.training.sharding import spread, whole


class Sharded(ModelParallelStrategy):
    """Lightning's gathers states by the model's names and through files of its own; here they go the usual way."""

    lightning_restore_optimizer = True

    def __init__(self, ranks: int) -> None:
        super().__init__(data_parallel_size=ranks, tensor_parallel_size=1, save_distributed_checkpoint=False)

    def lightning_module_state_dict(self) -> dict[str, Any]:
        """The classifier puts what learns into the checkpoint itself."""
        return {}

    def optimizer_state(self, optimizer: Any) -> dict[str, Any]:
        """Gathered, as that of one process would be. A collective call."""
        state: dict[str, Any] = getattr(optimizer, "_optimizer", optimizer).state_dict()
        states = {i: {key: whole(v) for key, v in own.items()} for i, own in state["state"].items()}
        return state | {"state": states}

    def load_optimizer_state_dict(self, checkpoint: Mapping[str, Any]) -> None:
        for optimizer, state in zip(self.optimizers, checkpoint["optimizer_states"], strict=True):
            held = [p for group in optimizer.param_groups for p in group["params"]]
            states = {i: {k: spread(v, held[i]) for k, v in own.items()} for i, own in state["state"].items()}
            optimizer.load_state_dict(state | {"state": states})

    def load_checkpoint(self, checkpoint_path: str | Path, weights_only: bool | None = None) -> dict[str, Any]:
        return Strategy.load_checkpoint(self, checkpoint_path, weights_only)
