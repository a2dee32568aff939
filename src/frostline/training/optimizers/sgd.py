from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch.optim import SGD

from frostline.types import Dropout, NonNegative, Positive


def sgd(
    groups: Sequence[dict[str, Any]],
    lr: Positive = 0.01,
    momentum: Dropout = 0.9,
    weight_decay: NonNegative = 0.0,
) -> SGD:
    """Stochastic gradient descent with momentum; a group may have another weight decay."""
    return SGD(groups, lr=lr, momentum=momentum, weight_decay=weight_decay)
