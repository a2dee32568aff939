"""The settings of the `trainer` group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from frostline.types import Count, NonNegative, NonNegativeInt, Positive


@dataclass(frozen=True)
class TrainerSettings:
    """The `trainer` group of the config.

    min_steps: the least number of optimizer steps; with few texts there are more epochs than max_epochs.
    devices: the number of processes. dataset.batch_size is the batch of all of them together.
    accumulate_grad_batches: the number of micro-batches into which a batch of dataset.batch_size texts is split; their
        gradients add up to that of the batch.
    patience: stop when `monitor` has not improved for this many epochs of the last phase; null: never.
    checkpoint_seconds: the time between two checkpoints from which a killed run can resume; 0: after every step.
    check_val_every_n_epoch: the number of epochs between two validations; the last epoch is always validated. The best
        epoch, patience, pruning and adaptive strategies use the scores of validated epochs only.
    monitor: the validation metric that selects the best epoch; null keeps the last epoch.
    deterministic: use deterministic GPU kernels, so that a run repeats to the bit, as it does on a CPU.
    limit_batches: at most this many batches of each split. overfit_batches: train on this many, again and again.
    """

    max_epochs: NonNegativeInt = 3
    min_steps: Count | None = 300
    devices: Count | Literal["auto"] = 1
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    strategy: Literal["auto", "ddp", "fsdp2"] = "auto"
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    check_val_every_n_epoch: Count = 1
    monitor: str | None = "val/f1_macro"
    gradient_clip_val: Positive | None = 1.0
    accumulate_grad_batches: Count = 1
    patience: Count | None = None
    checkpoint_seconds: NonNegative = 30
    deterministic: bool = True
    limit_batches: Count | None = None
    overfit_batches: Count | None = None

    def validates(self, epoch: int) -> bool:
        """Return whether the model is validated after this epoch. The first epoch is 0."""
        return (epoch + 1) % self.check_val_every_n_epoch == 0 or epoch + 1 == self.max_epochs
