"""The network that learns: moved through a plan by the engine, step by step, as a LightningModule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from frostline.data.loader import Batch
from frostline.distributed.collectives import agreed, digest, whole_batch
from frostline.drawing import begin
from frostline.errors import FrostlineError
from frostline.freezing.adaptive import PhaseController
from frostline.freezing.plan import Plan
from frostline.models.blocks import ModuleBlock
from frostline.models.interfaces import InBatchLoss, Outputs
from frostline.seeding import derive
from frostline.training.clipping import clip
from frostline.training.evaluated import Evaluated
from frostline.training.gradients import gradients_ahead
from frostline.training.phases import PhaseEngine, Schedule
from frostline.training.regularizers.base import Regularizer
from frostline.training.sharding import share_out

MakeOptimizer = Callable[[list[dict[str, Any]]], Optimizer]


class Classifier(Evaluated):
    """Text in, class out. What learns when is the plan's business, rates are the plan's times `base_lr`.

    Shapes: B texts, T tokens, D width, C classes.
    """

    def __init__(
        self,
        encoder: nn.Module,
        pooler: nn.Module,
        head: nn.Module,
        plan: Plan,
        blocks: Sequence[ModuleBlock],
        loss: nn.Module,
        optimizer: MakeOptimizer,
        schedule: Schedule,
        base_lr: float,
        weight_decay: float,
        classes: Sequence[str],
        seed: int,
        decider: PhaseController | None = None,
        regularizer: Regularizer | None = None,
        multi_label: bool = False,
    ) -> None:
        super().__init__(encoder, pooler, head, PhaseEngine(plan, blocks), decider, classes, multi_label)
        self.loss = loss
        self.compares = isinstance(loss, InBatchLoss)  # slow to ask in each step
        self.make_optimizer, self.schedule = optimizer, schedule
        self.base_lr, self.weight_decay, self.seed = base_lr, weight_decay, seed
        self.regularizer = Regularizer() if regularizer is None else regularizer
        self.regularizer.begin(self, self.engine.parameters)
        self.validated: int | None = None  # after which epoch, the last time

    def configure_model(self) -> None:
        """Share the parameters out among the ranks where the strategy does so; their names in the plan stay."""
        if self.device_mesh is not None and not self.shared_out:
            self.shared_out = share_out([self.encoder, self.pooler, self.head], self.engine, self.device_mesh)

    def configure_optimizers(self) -> Optimizer:
        return self.make_optimizer(self.engine.groups(self.weight_decay, apart=self.course.measures() > 0))

    def on_fit_start(self) -> None:
        self.train()

    def on_train_start(self) -> None:
        """A run resumed in the middle of an epoch does not begin that epoch, but is in its phase."""
        self._enter_phase(self.engine.index)

    def _enter_phase(self, index: int) -> None:
        """Lightning keeps each module's mode from here through the epoch's validation and back."""
        self.engine.enter(index)
        self.train()
        self.engine.rest()

    def on_train_epoch_start(self) -> None:
        self._enter_phase(self.course.index(self.current_epoch))
        phase = self.engine.phase
        if phase.restart and phase.start == self.current_epoch:
            self._optimizer.state.clear()
        if count := self.course.measures():
            self._draw_from("measure", self.current_epoch, self.global_rank)
            self.course.measured(gradients_ahead(self, self._losses, self.engine.parameters, count))
        self.epoch_loss, self.epoch_rows = 0.0, 0

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set what depends on the step alone: the phase, rates, and the chance that dropout draws from."""
        if (index := self.course.index(self.current_epoch)) != self.engine.index:
            self._end_phase(self.current_epoch)
            self._enter_phase(index)
        self.engine.set_rates(self._optimizer, self.base_lr, self.schedule, self.global_step, self.steps_an_epoch)
        self.part = batch_idx % self.parts
        place = self.global_rank + self.part * self.trainer.world_size  # parts draw as further ranks would
        self._draw_from("dropout", self.global_step, place)

    def _draw_from(self, *names: str | int) -> None:
        begin(derive(self.seed, *names), self.device)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The mean loss over the whole batch, all its parts on all ranks; the means that are taken over them undone."""
        losses = self._losses(batch)
        loss, penalty = losses.sum() / batch["size"], self.regularizer.penalty()
        if not torch.isfinite(loss):
            raise FrostlineError(
                f"training: the loss is {loss.item()} at step {self.global_step}; lower optimizer.lr={self.base_lr:g}"
            )
        self.epoch_loss += float(losses.detach().sum())
        self.epoch_rows += int(batch["weight"].sum())
        return loss * self.trainer.world_size * self.parts + (0.0 if penalty is None else penalty)

    def _losses(self, batch: Batch) -> Tensor:
        """Each text's loss (B,), 0 for rows that only fill the rank's place."""
        losses = self.regularizer.losses(partial(self.outputs, batch), partial(self._loss, batch))
        return losses * batch["weight"]

    def _loss(self, batch: Batch, outputs: Outputs) -> Tensor:
        told: tuple[Any, ...] = (outputs.logits, batch["labels"], outputs.vectors)
        if self.compares and outputs.vectors is not None:
            seed = derive(self.seed, "pairs", self.global_step)
            ranks = self.global_rank, self.trainer.world_size
            told += (whole_batch(outputs.vectors, batch["labels"], batch["size"], seed, *ranks),)
        losses: Tensor = self.loss(*told)
        return losses

    def on_after_backward(self) -> None:
        if self.completes_step(self.part):
            steps = self.steps_an_epoch * int(self.trainer.max_epochs or 0)
            self.course.after_backward((self.global_step + 1) / steps)

    def on_validation_epoch_end(self) -> None:
        super().on_validation_epoch_end()
        self.validated = self.current_epoch

    def on_train_epoch_end(self) -> None:
        sums = torch.tensor([self.epoch_loss, self.epoch_rows], dtype=torch.double, device=self.device)
        total = self.trainer.strategy.reduce(sums, reduce_op="sum")
        rates = [float(group["lr"]) for group in self._optimizer.param_groups]
        self.log_all({"train/loss": float(total[0] / total[1]), "train/lr": max(rates)})
        if self.validated == self.current_epoch:
            self.course.after_epoch({name: float(value) for name, value in self.trainer.callback_metrics.items()})
        if self.course.ends(self.current_epoch) or self.trainer.should_stop:
            self._end_phase(self.current_epoch + 1)

    def _end_phase(self, epoch: int) -> None:
        """Keep the weights' digest, which is the same on all ranks or an error; `epoch` is the next phase's first."""
        phase = self.engine.phase
        own = agreed(digest(self.learned()), f"after phase {phase.name}", self.trainer.world_size)
        self.ended.append({"name": phase.name, **self.course.end(epoch, self.global_step), "weights": own})

    def configure_gradient_clipping(
        self, optimizer: Optimizer, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        if gradient_clip_val is not None:
            clip(optimizer, gradient_clip_val, getattr(self.trainer.precision_plugin, "scaler", None))

    @property
    def _optimizer(self) -> Optimizer:
        return self.trainer.optimizers[0]
