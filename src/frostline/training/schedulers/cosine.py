from __future__ import annotations

import math
from dataclasses import dataclass

from frostline.types import Share


@dataclass(frozen=True)
class CosineDecay:
    """Half a cosine from 1 to 0, after an optional linear warm-up (arXiv:1608.03983, one cycle)."""

    warmup: Share = 0.0

    def __call__(self, progress: float) -> float:
        if progress < self.warmup:
            return progress / self.warmup
        decay = (progress - self.warmup) / (1 - self.warmup) if self.warmup < 1 else 0.0
        return 0.5 * (1 + math.cos(math.pi * decay))
