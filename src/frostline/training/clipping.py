"""Gradients cut to a norm."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.optim import Optimizer


def clip(optimizer: Optimizer, norm: float, scaler: Any = None) -> None:
    """By the norm of all gradients, for fused optimizers too, which Lightning refuses under mixed precision."""
    if scaler is not None and getattr(optimizer, "_step_supports_amp_scaling", False):
        scaler.unscale_(optimizer)  # a fused optimizer would do it in its step, after clipping
    nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], norm)
