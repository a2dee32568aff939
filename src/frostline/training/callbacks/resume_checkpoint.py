"""The checkpoint from which a killed run resumes. A kill never leaves a partial file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from frostline.results.atomic_files import atomic_write


class ResumeCheckpoint(pl.Callback):
    """Writes last.ckpt every `seconds` within an epoch, and adds up the seconds of all attempts at the run.

    The seconds that a killed attempt spent after its last checkpoint are not counted.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds = path, seconds
        self.start = self.saved = time.monotonic()
        self.fit_start: float | None = None
        self.earlier_seconds = self.earlier_fit_seconds = 0.0

    @property
    def total_seconds(self) -> float:
        """Return the seconds since the run began."""
        return self.earlier_seconds + time.monotonic() - self.start

    @property
    def fit_seconds(self) -> float:
        """Return the seconds of training and of validation between epochs."""
        return self.earlier_fit_seconds + (0.0 if self.fit_start is None else time.monotonic() - self.fit_start)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.fit_start = time.monotonic()

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.earlier_fit_seconds, self.fit_start = self.fit_seconds, None

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.total_seconds, "fit_seconds": self.fit_seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.earlier_seconds, self.earlier_fit_seconds = state_dict["seconds"], state_dict["fit_seconds"]

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        # Not after the last batch of an epoch: a run resumed there would leave out the validation of that epoch.
        is_last = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        if pl_module.completes_step(batch_idx) and not is_last and self._is_due(trainer):
            self.save(trainer)

    def _is_due(self, trainer: pl.Trainer) -> bool:
        due = time.monotonic() - self.saved >= self.seconds
        return bool(trainer.strategy.broadcast(due)) if trainer.world_size > 1 else due

    def save(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self.path)
        self.saved = time.monotonic()


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints directly to the disk, each as a whole or not at all.

    Lightning would copy them through memory, and through the folder for temporary files.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        with atomic_write(Path(path)) as temporary:
            torch.save(checkpoint, temporary)


def resume_step(path: Path) -> int:
    """Return the optimizer step after which a resume checkpoint was written."""
    step: int = torch.load(path, weights_only=True, map_location="cpu", mmap=True)["global_step"]
    return step
