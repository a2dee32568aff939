"""Gradients of batches that are about to be trained on, taken without a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from frostline.distributed.collectives import summed


def gradients_ahead(
    model: Any, losses: Callable[[Any], Tensor], parameters: Mapping[str, Tensor], count: int
) -> list[dict[str, Tensor]]:
    """Of the first `count` batches of the epoch, each of all ranks together; what learns, by plan name.

    No `.grad` is touched. model: the LightningModule, for its Trainer. A collective call.
    """
    trainer = model.trainer
    learning = {name: p for name, p in parameters.items() if p.requires_grad}
    found: list[dict[str, Tensor]] = []
    for place, batch in enumerate(map(trainer.strategy.batch_to_device, trainer.train_dataloader.ahead(count))):
        with trainer.precision_plugin.forward_context():
            loss = losses(batch).sum() / batch["size"]
        own = torch.autograd.grad(loss, list(learning.values()), allow_unused=True)
        if place % model.parts == 0:
            found.append({})
        for name, g in zip(learning, own, strict=True):
            if g is not None:
                found[-1][name] = found[-1][name] + g if name in found[-1] else g
    return [{name: summed(g, trainer.world_size) for name, g in one.items()} for one in found]
