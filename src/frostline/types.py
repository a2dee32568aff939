"""Types of arguments with their limits.

The signature of a part declares the values of its arguments (``dropout: Dropout``, ``k: Count``). `frostline check`
reads the signature without importing the part, so that limits are checked before anything heavy is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal


@dataclass(frozen=True)
class Range:
    """An interval of numbers; an open end is excluded."""

    low: float = float("-inf")
    high: float = float("inf")
    open_low: bool = False
    open_high: bool = False

    def __str__(self) -> str:
        low = f"{'above' if self.open_low else 'at least'} {self.low:g}"
        high = f"{'below' if self.open_high else 'at most'} {self.high:g}"
        if self.high == float("inf"):
            return low
        return high if self.low == float("-inf") else f"{low} and {high}"


Count = Annotated[int, Range(low=1)]
NonNegativeInt = Annotated[int, Range(low=0)]
Positive = Annotated[float, Range(low=0, open_low=True)]
NonNegative = Annotated[float, Range(low=0)]
Share = Annotated[float, Range(low=0, high=1)]
Dropout = Annotated[float, Range(low=0, high=1, open_high=True)]
PartShare = Annotated[float, Range(low=0, high=1, open_low=True, open_high=True)]

Targets = Sequence[str] | Literal["all-linear"] | None  # which linear layers get an adapter; None: peft's default
ClassWeights = Literal["balanced"] | Sequence[float] | None  # factors on the loss of each class; None: 1

Config = dict[str, Any]
