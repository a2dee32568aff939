from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from frostline.types import PartShare, Range


@dataclass(frozen=True)
class SlantedTriangular:
    """Slanted triangular schedule of ULMFiT (arXiv:1801.06146): linear warm-up, then a slow linear decay.

    cut_frac: the fraction of the steps that are warm-up. ratio: the factor at both ends is 1 / ratio.
    """

    cut_frac: PartShare = 0.1
    ratio: Annotated[float, Range(low=1)] = 32

    def __call__(self, progress: float) -> float:
        rising = progress < self.cut_frac
        height = progress / self.cut_frac if rising else (1 - progress) / (1 - self.cut_frac)
        return (1 + height * (self.ratio - 1)) / self.ratio
