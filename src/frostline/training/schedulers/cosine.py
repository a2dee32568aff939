from __future__ import annotations

import math
from dataclasses import dataclass

from frostline.types import Share


@dataclass(frozen=True)
class CosineDecay:
    """Half a cosine from 1 to 0, after an optional linear warm-up (arXiv:1608.03983, one cycle)."""

    warmup_ratio: Share = 0.0

    def __call__(self, progress: float) -> float:
        if progress < self.warmup_ratio:
            return progress / self.warmup_ratio
        decay = (progress - self.warmup_ratio) / (1 - self.warmup_ratio) if self.warmup_ratio < 1 else 0.0
        return 0.5 * (1 + math.cos(math.pi * decay))
