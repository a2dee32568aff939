"""Types that carry their own limits, and the values that pass between floors.

A part's signature says what its arguments may be (``dropout: Fraction``, ``k: Count``); ``check`` reads the
signature without importing the part, so limits are told before anything heavy is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol


@dataclass(frozen=True)
class Range:
    """Numbers from low to high; an open end excludes itself."""

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
Whole = Annotated[int, Range(low=0)]
Positive = Annotated[float, Range(low=0, open_low=True)]
NonNegative = Annotated[float, Range(low=0)]
Share = Annotated[float, Range(low=0, high=1)]
Dropout = Annotated[float, Range(low=0, high=1, open_high=True)]
PartShare = Annotated[float, Range(low=0, high=1, open_low=True, open_high=True)]

Targets = Sequence[str] | Literal["all-linear"] | None  # which linear layers an adapter goes into; None: the usual ones
ClassWeights = Literal["balanced"] | Sequence[float] | None  # factors on the loss of each class's texts; None: 1

Label = str | tuple[str, ...]  # a class, or where texts have several the sorted names of theirs
Text = str | tuple[str, str]  # one text, or a pair that is read together, such as premise and hypothesis


@dataclass(frozen=True)
class Labelled:
    """Texts as a source gives them: label names, and optionally a group that must not be split."""

    texts: Sequence[Text]
    labels: Sequence[Label]
    groups: Sequence[str] | None = None


@dataclass(frozen=True)
class RawData:
    """What a source has: a part that it does not have is None and is cut from train."""

    train: Labelled
    val: Labelled | None = None
    test: Labelled | None = None


@dataclass(frozen=True)
class Split:
    """N texts with their class indices, or for multi-label data with a row of C zeros and ones each."""

    texts: list[Text]
    labels: list[int] | list[list[int]]

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Corpus:
    """A data set ready to use: three splits, class names by index, and a fingerprint.

    dropped: texts left out, by reason. noised: labels of train that were made wrong on purpose.
    """

    train: Split
    val: Split
    test: Split
    classes: list[str]
    fingerprint: str
    dropped: dict[str, int] = field(default_factory=dict)
    noised: int = 0
    multi_label: bool = False

    def described(self) -> dict[str, Any]:
        """For the record."""
        return {
            "fingerprint": self.fingerprint,
            "texts": {"train": len(self.train), "val": len(self.val), "test": len(self.test)},
            "dropped": self.dropped,
            "noised": self.noised,
            "classes": self.classes,
        }


@dataclass(frozen=True)
class Shift:
    """The test part of another data set with the same classes. dropped: texts of it that stand in the home train."""

    split: Split
    fingerprint: str
    dropped: int

    def described(self) -> dict[str, Any]:
        """For the record."""
        return {"fingerprint": self.fingerprint, "texts": len(self.split), "dropped": self.dropped}


class Source(Protocol):
    """A data set's origin. Light: constructing one loads nothing and imports neither torch nor pandas."""

    def downloads(self) -> list[str]:
        """What `load` will have to fetch, one line each with its size; empty when all is here."""
        ...

    def load(self) -> RawData:
        """Raises UserError, with all problems of the data at once."""
        ...


Config = dict[str, Any]
