"""What a run keeps while it trains: the best epoch by the validation metric, and a point to go on from.

Both are whole or not there, whenever the run is killed; the same best epoch is the same bytes.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.trainer.states import TrainerFn
from safetensors.torch import load_file, save_file
from torch import Tensor

from frostline.results.atomic_files import whole
from frostline.results.folder import RunFolder
from frostline.results.metric_names import better
from frostline.training.classifier import Classifier


class BestCheckpoint(pl.Callback):
    """Keeps the weights of the epoch that is best on validation, the first of equals; without `monitor` the last."""

    def __init__(self, folder: RunFolder, monitor: str | None, about: dict[str, str]) -> None:
        self.folder, self.monitor, self.about = folder, monitor, about
        self.epoch: int | None = None
        self.values: dict[str, float] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn != TrainerFn.FITTING:
            return
        values = {k: float(v) for k, v in trainer.callback_metrics.items() if k.startswith("val/")}
        if not self.is_better(values):
            return
        self.epoch, self.values = trainer.current_epoch, values
        assert isinstance(pl_module, Classifier)
        weights = pl_module.learned()  # on all ranks, which together hold them
        if trainer.is_global_zero:
            self.save(weights)

    def is_better(self, values: dict[str, float]) -> bool:
        """Whether an epoch with these validation scores takes the best one's place."""
        if self.epoch is None or self.monitor is None:
            return True
        return better(self.monitor, values[self.monitor], self.values[self.monitor])

    def save(self, learned: dict[str, Tensor]) -> None:
        weights = {name: value.cpu().contiguous() for name, value in learned.items()}
        # Under one key, as safetensors writes several in an order of chance.
        about = {"frostline": json.dumps(self.about)}
        with whole(self.folder.best) as part:
            save_file(weights, part, metadata=about)

    def weights(self) -> dict[str, Tensor]:
        """As they were when the epoch ended, whatever has been mixed since."""
        found: dict[str, Tensor] = load_file(self.folder.unmixed if self.folder.unmixed.exists() else self.folder.best)
        return found

    def keep_mixed(self, learned: dict[str, Tensor]) -> None:
        """Put these weights in the place of the best epoch's, which stay beside until the run is complete."""
        if not self.folder.unmixed.exists():
            with whole(self.folder.unmixed) as part:
                part.write_bytes(self.folder.best.read_bytes())
        self.save(learned)

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "values": self.values}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.epoch, self.values = state_dict["epoch"], state_dict["values"]


class ResumeCheckpoint(pl.Callback):
    """Writes last.ckpt every `seconds` within an epoch; counts the seconds of all attempts, less those lost."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds = path, seconds
        self.began = self.saved = time.monotonic()
        self.fitting: float | None = None
        self.before = self.fitted_before = 0.0

    @property
    def spent(self) -> float:
        """Seconds since the run began."""
        return self.before + time.monotonic() - self.began

    @property
    def spent_fitting(self) -> float:
        """Those of them in which it has been learning and validating."""
        return self.fitted_before + (0.0 if self.fitting is None else time.monotonic() - self.fitting)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.fitting = time.monotonic()

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.fitted_before, self.fitting = self.spent_fitting, None

    def state_dict(self) -> dict[str, Any]:
        return {"spent": self.spent, "spent_fitting": self.spent_fitting}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.before, self.fitted_before = state_dict["spent"], state_dict["spent_fitting"]

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        # After an epoch's last batch nothing is written: on the way back its validation would be left out.
        last = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        if pl_module.completes_step(batch_idx) and not last and self._due(trainer):
            self._save(trainer)

    def _due(self, trainer: pl.Trainer) -> bool:
        due = time.monotonic() - self.saved >= self.seconds
        return bool(trainer.strategy.broadcast(due)) if trainer.world_size > 1 else due

    def _save(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self.path)
        self.saved = time.monotonic()


class AtomicCheckpointIO(TorchCheckpointIO):
    """Checkpoints go straight to the disk; Lightning's way takes them through memory, and through /tmp for good."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        with whole(Path(path)) as part:
            torch.save(checkpoint, part)


def resume_step(path: Path) -> int:
    """The optimizer step that a resume point was written after."""
    step: int = torch.load(path, weights_only=True, map_location="cpu", mmap=True)["global_step"]
    return step
