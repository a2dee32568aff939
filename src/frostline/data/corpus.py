"""A data set in memory: labelled texts as a source returns them, and the corpus that is ready for training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Protocol

Label = str | tuple[str, ...]  # a class, or for multi-label data the sorted names of a text's classes
Text = str | tuple[str, str]  # one text, or a pair that is encoded together, such as premise and hypothesis


class Origin(NamedTuple):
    """Where a text comes from: the part of its source (train, val or test), and its row there, counted from 1."""

    part: str
    row: int


@dataclass(frozen=True)
class DataNote:
    """Something that was done to the data or is unusual in it.

    name: of the kind of note, such as `copies`. count: of the texts, classes or files that it concerns.
    """

    name: str
    count: int
    message: str


@dataclass(frozen=True)
class Labelled:
    """Texts with their label names, and optionally a group for each text; groups are never split.

    origins: where each text comes from; None means all rows of the source in their order.
    """

    texts: Sequence[Text]
    labels: Sequence[Label]
    groups: Sequence[str] | None = None
    origins: Sequence[Origin] | None = None


def names(label: Label) -> tuple[str, ...]:
    """Return the class names in a label."""
    return (label,) if isinstance(label, str) else label


def counts(labels: Iterable[Label]) -> Counter[str]:
    """Count the texts of each class."""
    of_name: Counter[str] = Counter()
    for label, count in Counter(labels).items():
        for name in names(label):
            of_name[name] += count
    return of_name


def is_multi(part: Labelled) -> bool:
    """Return whether the labels are sets of classes."""
    return any(not isinstance(label, str) for label in part.labels)


def strata(part: Labelled) -> list[str]:
    """Return the stratum of each text: its class, or, if it has several, the one that is rarest in the part.

    Rare classes are thus divided exactly, and frequent ones nearly, because within a stratum each set of classes is
    distributed evenly. Unlike iterative stratification (Sechidis et al. 2011), the result does not depend on the order
    of rows.
    """
    total = counts(part.labels)
    return [min(names(label), key=lambda name: (total[name], name), default="") for label in part.labels]


@dataclass(frozen=True)
class RawData:
    """The parts of a source; a part that it lacks is None and is cut from train. notes: on how they were read."""

    train: Labelled
    val: Labelled | None = None
    test: Labelled | None = None
    notes: Sequence[DataNote] = ()

    def given(self) -> dict[str, Labelled]:
        """Return the parts that the source has, by name."""
        parts = {"train": self.train, "val": self.val, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}


@dataclass(frozen=True)
class Split:
    """N texts with their class indices, or, for multi-label data, a row of C zeros and ones for each text.

    origins: where each text comes from, if that is known.
    """

    texts: list[Text]
    labels: list[int] | list[list[int]]
    origins: Sequence[Origin] | None = None

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Corpus:
    """A data set ready to use: three splits, class names by index, and a fingerprint.

    dropped: number of texts left out, by reason. noised: number of training labels changed by `label_noise`.
    notes: on how the data were read and what was done to them.
    """

    train: Split
    val: Split
    test: Split
    classes: list[str]
    fingerprint: str
    dropped: dict[str, int] = field(default_factory=dict)
    noised: int = 0
    multi_label: bool = False
    notes: Sequence[DataNote] = ()

    def described(self) -> dict[str, Any]:
        """Return the description that environment.json stores."""
        return {
            "fingerprint": self.fingerprint,
            "texts": {"train": len(self.train), "val": len(self.val), "test": len(self.test)},
            "dropped": self.dropped,
            "noised": self.noised,
            "classes": self.classes,
            "notes": [asdict(note) for note in self.notes],
        }


@dataclass(frozen=True)
class Shift:
    """The test part of another data set with the same classes. dropped: its texts that are also in the training set."""

    split: Split
    fingerprint: str
    dropped: int

    def described(self) -> dict[str, Any]:
        """Return the description that environment.json stores."""
        return {"fingerprint": self.fingerprint, "texts": len(self.split), "dropped": self.dropped}


class DatasetSource(Protocol):
    """The origin of a data set. Constructing one loads nothing and imports neither torch nor pandas."""

    def downloads(self) -> list[str]:
        """Return what `load` will download, one line for each file with its size; empty if everything is cached."""
        ...

    def load(self) -> RawData:
        """Return the labelled texts.

        Raises:
            UserError: with all problems of the data at once.
        """
        ...
