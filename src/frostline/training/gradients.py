"""Gradients that are computed without a step, and gradients that are clipped before one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from frostline.distributed.collectives import all_reduce


def gradients_ahead(
    classifier: Any, losses: Callable[[Any], Tensor], parameters: Mapping[str, Tensor], count: int
) -> list[dict[str, Tensor]]:
    """Return the gradients of the first `count` batches of the epoch, summed over ranks, by plan name.

    Parameters that are frozen have none. No `.grad` is changed. This is a collective call.

    Args:
        classifier: the LightningModule, whose Trainer has the batches.
        losses: returns the loss of each text of a batch (B,).
        parameters: all parameters by plan name.
    """
    trainer = classifier.trainer
    trainable = {name: p for name, p in parameters.items() if p.requires_grad}
    by_batch: list[dict[str, Tensor]] = []
    for index, batch in enumerate(map(trainer.strategy.batch_to_device, trainer.train_dataloader.peek(count))):
        with trainer.precision_plugin.forward_context():
            loss = losses(batch).sum() / batch["size"]
        gradients = torch.autograd.grad(loss, list(trainable.values()), allow_unused=True)
        if index % classifier.micro_batches == 0:
            by_batch.append({})
        total = by_batch[-1]
        for name, gradient in zip(trainable, gradients, strict=True):
            if gradient is not None:
                total[name] = total[name] + gradient if name in total else gradient
    return [{name: all_reduce(g, trainer.world_size) for name, g in gradients.items()} for gradients in by_batch]


def clip_gradients(optimizer: Optimizer, max_norm: float, scaler: Any = None) -> None:
    """Scale all gradients so that their common norm is at most `max_norm`.

    It works for fused optimizers too, which the clipping of Lightning refuses under mixed precision.
    """
    if scaler is not None and getattr(optimizer, "_step_supports_amp_scaling", False):
        scaler.unscale_(optimizer)  # a fused optimizer would unscale in its step, after clipping
    nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], max_norm)
