"""What a run keeps while it trains: the best epoch by the validation metric, and a point to go on from."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.trainer.states import TrainerFn
from safetensors.torch import load_file, save_file

from frostline.classifier import Classifier
from frostline.store.folder import RunFolder

SMALLER_IS_BETTER = ("loss", "ece")


class Best(pl.Callback):
    """Keeps the weights of the epoch that is best on validation, the first of equals; without `monitor` the last."""

    def __init__(self, folder: RunFolder, monitor: str | None, about: dict[str, str]) -> None:
        self.folder, self.monitor, self.about = folder, monitor, about
        self.epoch: int | None = None
        self.values: dict[str, float] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn != TrainerFn.FITTING:
            return
        values = {k: float(v) for k, v in trainer.callback_metrics.items() if k.startswith("val/")}
        if not self._is_better(values):
            return
        self.epoch, self.values = trainer.current_epoch, values
        if trainer.is_global_zero:
            self.save(pl_module)

    def _is_better(self, values: dict[str, float]) -> bool:
        if self.epoch is None or self.monitor is None:
            return True
        new, old = values[self.monitor], self.values[self.monitor]
        return new < old if self.monitor.rpartition("/")[2] in SMALLER_IS_BETTER else new > old

    def save(self, model: pl.LightningModule) -> None:
        assert isinstance(model, Classifier)
        weights = {name: value.cpu().contiguous() for name, value in model.learned().items()}
        beside = self.folder.best.with_suffix(".part")
        save_file(weights, beside, metadata=self.about)
        beside.replace(self.folder.best)

    def load(self, model: Classifier) -> None:
        model.restore(load_file(self.folder.best))

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "values": self.values}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.epoch, self.values = state_dict["epoch"], state_dict["values"]


class ResumePoint(pl.Callback):
    """Writes last.ckpt every `seconds` within an epoch, whole or not at all; counts the seconds of all attempts."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds = path, seconds
        self.began = self.saved = time.monotonic()
        self.before = 0.0

    @property
    def spent(self) -> float:
        """Seconds since the run began, less those that a kill has lost."""
        return self.before + time.monotonic() - self.began

    def state_dict(self) -> dict[str, Any]:
        return {"spent": self.spent}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.before = state_dict["spent"]

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any) -> None:
        # After an epoch's last batch nothing is written: on the way back its validation would be left out.
        last = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        if not last and self._due(trainer):
            self._save(trainer)

    def _due(self, trainer: pl.Trainer) -> bool:
        due = time.monotonic() - self.saved >= self.seconds
        return bool(trainer.strategy.broadcast(due)) if trainer.world_size > 1 else due

    def _save(self, trainer: pl.Trainer) -> None:
        beside = self.path.with_suffix(".part")
        trainer.save_checkpoint(beside)
        if trainer.is_global_zero:
            beside.replace(self.path)
        self.saved = time.monotonic()


def resume_step(path: Path) -> int:
    """The optimizer step that a resume point was written after."""
    step: int = torch.load(path, weights_only=True, map_location="cpu", mmap=True)["global_step"]
    return step
