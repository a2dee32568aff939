from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch.optim import AdamW

from frostline.types import NonNegative, Positive


def adamw(
    groups: Sequence[dict[str, Any]],
    lr: Positive = 1e-4,
    weight_decay: NonNegative = 0.01,
    betas: Sequence[float] = (0.9, 0.999),
    eps: Positive = 1e-8,
) -> AdamW:
    """AdamW with bias correction (arXiv:1711.05101); a group may have another weight decay."""
    return AdamW(groups, lr=lr, weight_decay=weight_decay, betas=(betas[0], betas[1]), eps=eps, fused=True)
