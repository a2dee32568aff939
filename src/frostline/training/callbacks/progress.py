"""Progress of training for the terminal: a bar within an epoch, a line after it, and a line when a phase begins."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl

from frostline.console import Progress, log
from frostline.freezing.plan import counted
from frostline.results.metric_names import DEFAULT_MONITOR
from frostline.training.classifier import Classifier


class ProgressReporter(pl.Callback):
    """Shows bars and prints lines on the first rank."""

    def __init__(self, monitor: str | None) -> None:
        self.monitor = monitor or DEFAULT_MONITOR
        self.bar: Progress | None = None
        self.phase_index: int | None = None

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Classifier)
        plan = pl_module.engine.plan
        index = pl_module.tracker.phase_index(trainer.current_epoch)
        phase = plan.phases[index]
        if index != self.phase_index and len(plan.phases) > 1 and trainer.is_global_zero:
            epochs = phase.when or f"epochs {phase.start + 1} to {phase.end}"
            log(f"phase {phase.name}: {epochs}, {plan.trainable(phase):,} trainable parameters")
        self.phase_index = index

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if not trainer.is_global_zero or not pl_module.completes_step(batch_idx):
            return
        if self.bar is None:
            title = f"epoch {counted(trainer.current_epoch)} of {trainer.max_epochs}"
            self.bar = Progress(title, pl_module.steps_per_epoch, "steps")
            self.bar.__enter__()
            self.bar.update(batch_idx // pl_module.micro_batches)
        self.bar.update(1)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._close_bar()
        if trainer.is_global_zero:
            assert isinstance(pl_module, Classifier)
            message = f"train/loss {pl_module.epoch_loss.total / max(pl_module.epoch_loss.texts, 1):.4f}"
            if pl_module.validated == trainer.current_epoch:
                message += f", {self.monitor} {float(trainer.callback_metrics[self.monitor]):.4f}"
            log(f"epoch {counted(trainer.current_epoch)} of {trainer.max_epochs}: {message}")

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self._close_bar()

    def _close_bar(self) -> None:
        if self.bar is not None:
            self.bar.__exit__(None, None, None)
            self.bar = None
