"""The weights of the best epoch on validation: a file that is complete or not there, whenever a run is killed.

The same best epoch gives the same bytes.
"""

from __future__ import annotations

import json
import math
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.trainer.states import TrainerFn
from safetensors.torch import load_file, save_file
from torch import Tensor

from frostline.console import log
from frostline.errors import FrostlineError
from frostline.results.atomic_files import atomic_write
from frostline.results.folder import RunFolder
from frostline.results.metric_names import is_better
from frostline.training.classifier import Classifier


class BestCheckpoint(pl.Callback):
    """Saves the weights of the epoch with the best `monitor` on validation, the first of equals.

    An epoch whose `monitor` is nan or infinite is never the best. Without `monitor` it saves those of the last epoch.

    Attributes:
        epoch: the best epoch so far, None before the first. values: its validation metrics.
    """

    def __init__(self, folder: RunFolder, monitor: str | None, metadata: dict[str, str]) -> None:
        self.folder, self.monitor, self.metadata = folder, monitor, metadata
        self.epoch: int | None = None
        self.values: dict[str, float] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn != TrainerFn.FITTING:
            return
        values = {k: float(v) for k, v in trainer.callback_metrics.items() if k.startswith("val/")}
        if not self.is_better(values):
            if trainer.is_global_zero and self.monitor is not None and not math.isfinite(value := values[self.monitor]):
                log(f"epoch {trainer.current_epoch + 1}: {self.monitor} is {value}, so that it is not the best epoch")
            return
        self.epoch, self.values = trainer.current_epoch, values
        assert isinstance(pl_module, Classifier)
        weights = pl_module.checkpoint_state.weights()  # a collective call
        if trainer.is_global_zero:
            self.save(weights)

    def is_better(self, values: dict[str, float]) -> bool:
        """Return whether an epoch with these validation metrics is better than the best one so far."""
        if self.monitor is None:
            return True
        return is_better(self.monitor, values[self.monitor], self.values.get(self.monitor, math.nan))

    def best_epoch(self) -> int:
        """Return the best epoch.

        Raises:
            FrostlineError: the monitored metric was not finite after any epoch.
        """
        if self.epoch is None:
            what = f"{self.monitor} was nan or infinite after every epoch, so that there is no best one"
            raise FrostlineError(f"trainer.monitor: {what}; lower optimizer.lr, or set trainer.gradient_clip_val")
        return self.epoch

    def save(self, weights: dict[str, Tensor]) -> None:
        """Write weights, by plan name, to best.safetensors."""
        tensors = {name: value.cpu().contiguous() for name, value in weights.items()}
        # One key, because safetensors writes several keys in a random order.
        metadata = {"frostline": json.dumps(self.metadata)}
        with atomic_write(self.folder.best) as temporary:
            save_file(tensors, temporary, metadata=metadata)

    def weights(self) -> dict[str, Tensor]:
        """Return the weights of the best epoch, also after interpolated ones have replaced them."""
        file = self.folder.before_interpolation if self.folder.before_interpolation.exists() else self.folder.best
        weights: dict[str, Tensor] = load_file(file)
        return weights

    def save_interpolated(self, weights: dict[str, Tensor]) -> None:
        """Write interpolated weights to best.safetensors. Those of the best epoch stay until the run is complete."""
        if not self.folder.before_interpolation.exists():
            with atomic_write(self.folder.before_interpolation) as temporary:
                temporary.write_bytes(self.folder.best.read_bytes())
        self.save(weights)

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "values": self.values}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.epoch, self.values = state_dict["epoch"], state_dict["values"]
