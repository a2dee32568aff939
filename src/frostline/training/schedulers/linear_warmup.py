from __future__ import annotations

from dataclasses import dataclass

from frostline.types import Share


@dataclass(frozen=True)
class LinearWarmup:
    """Linear warm-up from 0 over the first steps, then linear decay to 0 (arXiv:1810.04805).

    warmup: the fraction of the steps that are warm-up.
    """

    warmup_ratio: Share = 0.06

    def __call__(self, progress: float) -> float:
        if progress < self.warmup_ratio:
            return progress / self.warmup_ratio
        return (1 - progress) / (1 - self.warmup_ratio) if self.warmup_ratio < 1 else 1.0
