"""What tokenization does to texts: how many are truncated, contain special tokens, or have no tokens at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from frostline.data.corpus import Origin


class TokenizedTexts(NamedTuple):
    """Token ids of N texts, and what `dataset.max_length` has left out of them.

    lengths: tokens of each whole text, without special tokens, template and demonstrations. cut: those of them that
    are left out. special: whether a text contains a special token of the tokenizer, such as [SEP], as characters.
    """

    ids: list[list[int]]
    lengths: Sequence[int]
    cut: Sequence[int]
    special: Sequence[bool]


@dataclass(frozen=True)
class TextCounts:
    """The counts of `TokenizedTexts` for each of N texts."""

    lengths: NDArray[np.int64]
    cut: NDArray[np.int64]
    special: NDArray[np.bool_]

    @classmethod
    def concatenate(cls, parts: Sequence[TokenizedTexts | TextCounts]) -> TextCounts:
        """Return the counts of all texts of several parts."""
        lengths, cut = ([np.asarray(getattr(part, name), int) for part in parts] for name in ("lengths", "cut"))
        special = [np.asarray(part.special, bool) for part in parts]
        return cls(np.concatenate(lengths), np.concatenate(cut), np.concatenate(special))

    def take(self, rows: Sequence[int]) -> TextCounts:
        """Return the counts of some texts."""
        index = np.array(rows, int)
        return TextCounts(self.lengths[index], self.cut[index], self.special[index])


@dataclass(frozen=True)
class SplitCounts:
    """The counts of a split. tokens: those of the whole texts; cut: those that are left out of them."""

    texts: int
    truncated: int
    tokens: int
    cut: int
    with_special_tokens: int
    without_tokens: int

    @classmethod
    def of(cls, counts: TextCounts) -> SplitCounts:
        truncated, empty = counts.cut > 0, counts.lengths == 0
        sums = counts.lengths.sum(), counts.cut.sum(), counts.special.sum(), empty.sum()
        return cls(len(counts.cut), int(truncated.sum()), *map(int, sums))


def token_record(counts: Mapping[str, TextCounts]) -> dict[str, dict[str, int]]:
    """Return the counts of each split as environment.json stores them."""
    return {name: asdict(SplitCounts.of(split)) for name, split in counts.items()}


def token_messages(
    counts: Mapping[str, TextCounts], origins: Mapping[str, Sequence[Origin] | None], max_length: int
) -> Iterator[str]:
    """Yield a line for each thing that tokenization has done to some texts, with an example where it is rare."""
    splits = {name: SplitCounts.of(split) for name, split in counts.items()}
    cut = [
        f"{split.truncated:,} of {split.texts:,} texts of {name} ({split.cut / split.tokens:.1%} of their tokens)"
        for name, split in splits.items()
        if split.truncated
    ]
    if cut:
        yield f"data: truncated to dataset.max_length={max_length}: {', '.join(cut)}"
    special = {name: np.flatnonzero(split.special) for name, split in counts.items()}
    if found := _count_with_example(special, origins):
        yield f"data: {found} contain special tokens of the tokenizer, which are read as ordinary characters"
    empty = {name: np.flatnonzero(split.lengths == 0) for name, split in counts.items()}
    if found := _count_with_example(empty, origins):
        yield f"data: {found} have no tokens, because the tokenizer removes all their characters"


def _count_with_example(
    rows: Mapping[str, NDArray[np.int64]], origins: Mapping[str, Sequence[Origin] | None]
) -> str | None:
    """Return `3 texts (the first of them in row 5 of train)`, or None if there are no rows."""
    total = sum(map(len, rows.values()))
    if not total:
        return None
    name = next(name for name, found in rows.items() if len(found))
    return f"{total:,} text{'s' if total > 1 else ''} (the first of them is {where(int(rows[name][0]), name, origins)})"


def where(index: int, split: str, origins: Mapping[str, Sequence[Origin] | None]) -> str:
    """Return a description of a text by its row in the user's data, or by its index in the split."""
    known = origins.get(split)
    if known is None:
        return f"text {index} of {split}"
    shift = f" of {split}" if split.startswith("test_") else ""
    return f"row {known[index].row} of {known[index].part}{shift}"
