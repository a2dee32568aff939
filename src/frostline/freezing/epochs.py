"""The number of epochs of a run on few texts, and how epochs are counted in its record."""

from __future__ import annotations

import math

from frostline.types import Config


def with_min_steps(config: Config, texts: int) -> Config:
    """Return the config of a run on `texts` training texts, with as many epochs as `trainer.min_steps` needs.

    Strategies differ in the epochs that are recommended for them, which suit thousands of texts. With a few hundred a
    run of few epochs is too short (arXiv:2006.04884 and 2006.05987 train such runs for more steps). A run
    without epochs stays without.
    """
    trainer = config["trainer"]
    least, epochs = trainer.get("min_steps"), trainer["max_epochs"]
    if not least or not epochs:
        return config
    batches = math.ceil(texts / config["dataset"]["batch_size"])
    limits = [limit for key in ("limit_batches", "overfit_batches") if (limit := trainer.get(key))]
    needed = math.ceil(least / max(min([batches, *limits]), 1))
    return {**config, "trainer": {**trainer, "max_epochs": max(epochs, needed)}}


def counted(epoch: int) -> int:
    """Return the number of an epoch in messages, metrics.csv, result.json, W&B and figures, where the first one is 1.

    epoch: its index, from 0 as in Lightning.
    """
    return epoch + 1
