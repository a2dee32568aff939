from __future__ import annotations

from dataclasses import dataclass

from frostline.types import Share


@dataclass(frozen=True)
class Constant:
    """The base learning rate throughout, after an optional linear warm-up."""

    warmup_ratio: Share = 0.0

    def __call__(self, progress: float) -> float:
        return progress / self.warmup_ratio if progress < self.warmup_ratio else 1.0
