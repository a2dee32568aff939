"""The LightningModule of a run: a model, the phases of its plan, its loss and its metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor, nn
from torch.optim import Optimizer

from frostline.data.loader import Batch
from frostline.distributed.collectives import check_identical
from frostline.errors import FrostlineError
from frostline.freezing.adaptive import PhaseController
from frostline.freezing.plan import counted
from frostline.models.fingerprint import digest_each, weights_digest
from frostline.models.interfaces import InBatchLoss, Outputs
from frostline.models.model import Model
from frostline.seeding import derive_seed, seed_torch
from frostline.training.checkpoint_state import CheckpointState
from frostline.training.fsdp import shard_parameters
from frostline.training.gather_batch import gather_batch
from frostline.training.gradients import clip_gradients, gradients_ahead
from frostline.training.multi_label_metrics import MultiLabelMetrics
from frostline.training.phases import PhaseEngine, PhaseTracker, Schedule
from frostline.training.regularizers.base import Regularizer
from frostline.training.task_metrics import make_metrics

MakeOptimizer = Callable[[list[dict[str, Any]]], Optimizer]


class Classifier(pl.LightningModule):
    """Trains and scores a text classifier. The plan decides what is trained in which epoch.

    Learning rates are multiples of `base_lr`: the plan has the multipliers, `schedule` the factor of each step.

    Shapes: B texts, T tokens, D width, C classes.

    Attributes:
        micro_batch: the index of the micro-batch that is being read, in the batch of the current optimizer step.
        validated: the last epoch after which the model was validated.
        confusion: the confusion matrix of the split that was scored last; None with too many classes.
        test_split: the test set that the test loop reads: "test", or "test_<name>" for a shifted one.
    """

    def __init__(
        self,
        model: Model,
        engine: PhaseEngine,
        loss: nn.Module,
        optimizer: MakeOptimizer,
        schedule: Schedule,
        base_lr: float,
        weight_decay: float,
        classes: Sequence[str],
        seed: int,
        controller: PhaseController | None = None,
        regularizer: Regularizer | None = None,
        multi_label: bool = False,
    ) -> None:
        super().__init__()
        self.strict_loading = False  # checkpoints leave out the frozen part of the encoder
        self.model, self.engine = model, engine
        self.tracker = PhaseTracker(engine, controller)
        self.checkpoint_state = CheckpointState(model, self.tracker)
        self.epoch_loss = self.checkpoint_state.epoch_loss
        self.metrics = make_metrics(model, classes, multi_label)
        self.loss = loss
        self.compares_texts = isinstance(loss, InBatchLoss)  # isinstance with a protocol is too slow for each step
        self.make_optimizer, self.schedule = optimizer, schedule
        self.base_lr, self.weight_decay, self.seed = base_lr, weight_decay, seed
        self.regularizer = Regularizer() if regularizer is None else regularizer
        self.regularizer.begin(model, engine.parameters)
        self.validated: int | None = None
        self.confusion: list[list[int]] | None = None
        self.micro_batch, self.test_split = 0, "test"

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits (B, C) of a batch."""
        logits: Tensor = self.model(batch)
        return logits

    # Set-up

    def configure_model(self) -> None:
        """Shard the parameters among the ranks if the strategy does so. Their names in the plan stay."""
        if self.device_mesh is not None and not self.model.sharded:
            parts = [self.model.encoder, self.model.pooler, self.model.head]
            shard_parameters(parts, self.engine, self.device_mesh)
            self.model.sharded = True

    def configure_optimizers(self) -> Optimizer:
        one_per_parameter = self.tracker.gradient_batches > 0
        return self.make_optimizer(self.engine.optimizer_groups(self.weight_decay, one_per_parameter))

    def configure_gradient_clipping(
        self, optimizer: Optimizer, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        if gradient_clip_val is not None:
            clip_gradients(optimizer, gradient_clip_val, getattr(self.trainer.precision_plugin, "scaler", None))

    # Training

    @property
    def micro_batches(self) -> int:
        """The number of micro-batches in which a rank reads its share of a batch."""
        return int(self.trainer.accumulate_grad_batches)

    @property
    def steps_per_epoch(self) -> int:
        return int(self.trainer.num_training_batches) // self.micro_batches

    def completes_step(self, batch_idx: int) -> bool:
        """Return whether the optimizer steps after this micro-batch; batch_idx: its index in the step or the epoch."""
        return (batch_idx + 1) % self.micro_batches == 0

    def on_fit_start(self) -> None:
        self.train()

    def on_train_start(self) -> None:
        """Enter the phase of the run: a run that resumes within an epoch does not begin that epoch."""
        self._enter_phase(self.engine.index)

    def _enter_phase(self, index: int) -> None:
        """Begin a phase. Lightning keeps the mode of each module from here through the validation and back."""
        self.engine.enter(index)
        self.train()
        self.engine.set_eval_mode()

    def on_train_epoch_start(self) -> None:
        self._enter_phase(self.tracker.phase_index(self.current_epoch))
        phase = self.engine.phase
        if phase.restart and phase.start == self.current_epoch:
            self._optimizer.state.clear()
        if count := self.tracker.gradient_batches:
            self._seed_torch("measure", self.current_epoch, self.global_rank)
            self.tracker.set_factors(gradients_ahead(self, self._losses, self.engine.parameters, count))
        self.epoch_loss.total, self.epoch_loss.texts = 0.0, 0

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set what depends on the step alone: the phase, the learning rates, and the seed of dropout."""
        if (index := self.tracker.phase_index(self.current_epoch)) != self.engine.index:
            self._finish_phase(self.current_epoch)
            self._enter_phase(index)
        step = self.global_step, self.steps_per_epoch
        self.engine.set_learning_rates(self._optimizer, self.base_lr, self.schedule, *step)
        self.micro_batch = batch_idx % self.micro_batches
        # Micro-batches have the seeds that further ranks would have.
        self._seed_torch("dropout", self.global_step, self.global_rank + self.micro_batch * self.trainer.world_size)

    def _seed_torch(self, *names: str | int) -> None:
        seed_torch(derive_seed(self.seed, *names), self.device)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss, scaled so that it is the mean over the texts of all micro-batches on all ranks.

        DDP takes the mean over ranks and Lightning the mean over micro-batches; both are multiplied out here.
        """
        losses = self._losses(batch)
        loss, penalty = losses.sum() / batch["size"], self.regularizer.penalty()
        if not torch.isfinite(loss):
            raise FrostlineError(
                f"training: the loss is {loss.item()} at step {self.global_step}; lower optimizer.lr={self.base_lr:g}"
            )
        self.epoch_loss.total += float(losses.detach().sum())
        self.epoch_loss.texts += int(batch["weight"].sum())
        return loss * self.trainer.world_size * self.micro_batches + (0.0 if penalty is None else penalty)

    def _losses(self, batch: Batch) -> Tensor:
        """Return the loss of each text (B,); it is 0 for the rows that only fill up the rank's share of the batch."""
        losses = self.regularizer.losses(partial(self.model.outputs, batch), partial(self._outputs_loss, batch))
        return losses * batch["weight"]

    def _outputs_loss(self, batch: Batch, outputs: Outputs) -> Tensor:
        arguments: tuple[Any, ...] = (outputs.logits, batch["labels"], outputs.vectors)
        if self.compares_texts and outputs.vectors is not None:
            seed = derive_seed(self.seed, "pairs", self.global_step)
            ranks = self.global_rank, self.trainer.world_size
            arguments += (gather_batch(outputs.vectors, batch["labels"], batch["size"], seed, *ranks),)
        losses: Tensor = self.loss(*arguments)
        return losses

    def on_after_backward(self) -> None:
        if self.completes_step(self.micro_batch):
            steps = self.steps_per_epoch * int(self.trainer.max_epochs or 0)
            self.tracker.after_backward((self.global_step + 1) / steps)

    def on_train_epoch_end(self) -> None:
        sums = torch.tensor([self.epoch_loss.total, self.epoch_loss.texts], dtype=torch.double, device=self.device)
        total = self.trainer.strategy.reduce(sums, reduce_op="sum")
        learning_rates = [float(group["lr"]) for group in self._optimizer.param_groups]
        self.log_all({"train/loss": float(total[0] / total[1]), "train/lr": max(learning_rates)})
        if self.validated == self.current_epoch:
            self.tracker.after_epoch({name: float(value) for name, value in self.trainer.callback_metrics.items()})
        if self.tracker.ends_after(self.current_epoch) or self.trainer.should_stop:
            self._finish_phase(self.current_epoch + 1)

    def _finish_phase(self, next_epoch: int) -> None:
        """Record the digest of the weights, after checking that it is the same on all ranks."""
        weights = self.checkpoint_state.weights()
        digest, when = weights_digest(weights), f"after phase {self.engine.phase.name}"
        check_identical(digest, when, self.trainer.world_size, partial(digest_each, weights))
        self.tracker.finish_phase(next_epoch, self.global_step, digest)

    @property
    def _optimizer(self) -> Optimizer:
        return self.trainer.optimizers[0]

    # Validation and test

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self.metrics.update(self(batch), batch["labels"], batch["weight"])

    def on_validation_epoch_end(self) -> None:
        self._log_metrics("val")
        self.validated = self.current_epoch

    def test_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        outputs = self.model.outputs(batch)
        self.metrics.update(outputs.logits, batch["labels"], batch["weight"])
        return {"outputs": outputs}

    def on_test_epoch_end(self) -> None:
        self._log_metrics(self.test_split)

    def _log_metrics(self, split: str) -> None:
        if split == "val" and isinstance(self.metrics, MultiLabelMetrics):
            self.metrics.choose_thresholds()
        self.confusion = self.metrics.confusion()
        values = {f"{split}/{name}": value for name, value in self.metrics.compute().items()}
        self.metrics.reset()
        self.log_all(values, logger=self.trainer.state.fn == TrainerFn.FITTING)  # final metrics only once, at the end

    def log_all(self, values: dict[str, float], logger: bool = True) -> None:
        """Log values that are the same on all ranks, so that Lightning's mean over ranks does not change them."""
        values = values | {"step": float(self.global_step), "epoch": float(counted(self.current_epoch))}
        tensors = {name: torch.tensor(value, dtype=torch.double) for name, value in values.items()}
        sync = self.trainer.world_size > 1
        self.log_dict(tensors, on_step=False, on_epoch=True, batch_size=1, sync_dist=sync, logger=logger)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.checkpoint_state.save(checkpoint, self.trainer.world_size)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.checkpoint_state.load(checkpoint, self.global_rank, self.trainer.world_size)
