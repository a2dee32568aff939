"""Config keys and resolvers that have a new name, and the error that gives it."""

from __future__ import annotations

from frostline.errors import Problem

RENAMED = {
    "adapter.suits": "adapter.recommended",
    "adapter.targets": "adapter.target_modules",
    "adapter.tokens": "adapter.num_virtual_tokens",
    "encoder.checkpointing": "encoder.gradient_checkpointing",
    "freezing.suits": "freezing.recommended",
    "freezing.watch": "freezing.monitor",
    "frostline.suits": "frostline.recommended",  # the resolver ${frostline.suits:lr}
    "loss.smoothing": "loss.label_smoothing",
    "scheduler.warmup": "scheduler.warmup_ratio",
    "trainer.accumulate": "trainer.accumulate_grad_batches",
    "trainer.gradient_clip": "trainer.gradient_clip_val",
    "trainer.validate_every": "trainer.check_val_every_n_epoch",
}


def renamed(key: str) -> Problem | None:
    """Return the error for a key that has a new name, None for any other key."""
    return Problem(key, "renamed", f"use {RENAMED[key]}") if key in RENAMED else None
