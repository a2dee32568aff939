"""Texts that are removed before the splits: empty texts, texts of other parts, and copies within train."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

from frostline.data.checks import counted
from frostline.data.corpus import DataNote, Labelled, RawData, Text
from frostline.data.splits import joined, normalised, take

SHOWN = 60  # characters of a text in a note
REASONS = {  # why a text is removed -> what the note says of them
    "empty": "{texts} without a visible character: left out",
    "val_in_test": "{texts} of val that are also in test: left out of val",
    "train_in_test": "{texts} of train that are also in test: left out of train",
    "train_in_val": "{texts} of train that are also in val: left out of train",
    "duplicates": "{texts} of train that occur again with their label: left out (dataset.keep_copies=true keeps them)",
    "conflicting": "{texts} of train that occur again with another label: left out, and the first label is used",
}


@dataclass(frozen=True)
class TextComparison:
    """How texts are compared: without white space, and without case unless it is case-sensitive."""

    case_sensitive: bool = False

    def key(self, text: Text) -> str:
        """Return what equal texts have in common, "" for an empty text."""
        if not self.case_sensitive:
            return normalised(text)
        if isinstance(text, str):
            return "".join(text.split())
        first, second = map(self.key, text)
        return f"{first}\n{second}" if first or second else ""

    def keys(self, part: Labelled) -> list[str]:
        return [self.key(text) for text in part.texts]


@dataclass
class Repeats:
    """Removes repeated texts, and collects what was removed.

    Attributes:
        dropped: number of removed texts by reason.
        cleaned: the train part without texts of other parts.
        copies: key -> indices in `cleaned` of the removed texts with this key that have the label of the first one.
        case_only: number of repeated texts that differ in case from the first.
        added: number of copies that `with_copies` has added, if it was called.
    """

    comparison: TextComparison = TextComparison()
    dropped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    copies: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    cleaned: Labelled | None = None
    case_only: int = 0
    added: int | None = None

    def remove(self, raw: RawData) -> RawData:
        """Return the parts without empty texts and without texts of other parts; of copies in train the first stays.

        A given test part is not changed.
        """
        test = _stripped(raw.test) if raw.test else None
        in_test = set(self.comparison.keys(test)) if test else set()
        val = self._without(_stripped(raw.val), {"val_in_test": in_test}) if raw.val else None
        in_val = set(self.comparison.keys(val)) if val else set()
        self.cleaned = self._without(_stripped(raw.train), {"train_in_test": in_test, "train_in_val": in_val})
        return replace(raw, train=self._first_occurrences(self.cleaned), val=val, test=test)

    def with_copies(self, train: Labelled) -> Labelled:
        """Return a part of train with the removed copies of its texts, in the order of their rows."""
        copies = [index for key in self.comparison.keys(train) for index in self.copies.get(key, ())]
        self.added = len(copies)
        if not copies or self.cleaned is None:
            return train
        self.dropped["duplicates"] -= self.added
        every = joined(train, take(self.cleaned, copies))
        order = {origin: index for index, origin in enumerate(self.cleaned.origins or ())}
        rows = [order[origin] for origin in every.origins or ()]
        return take(every, sorted(range(len(rows)), key=rows.__getitem__))

    def notes(self) -> list[DataNote]:
        """Return a note for each reason, with the number of texts and the first of them."""
        notes = []
        for reason, count in self.dropped.items():
            what = REASONS[reason].format(texts=counted(count, "text"))
            if reason == "duplicates" and self.added is not None:
                what = f"{counted(count, 'text')} that occur again in val or test: left out"
            if count:
                notes.append(DataNote(reason, count, f"{what} (first: {self.examples[reason]})"))
        if self.added:
            what = f"{counted(self.added, 'text')} of train that occur again with their label: kept"
            notes.append(DataNote("kept_copies", self.added, f"{what} (first: {self.examples['duplicates']})"))
        if self.case_only:
            what = f"{counted(self.case_only, 'text')} of train among them that differ in case from the first one"
            notes.append(DataNote("case_only", self.case_only, f"{what}: no copies with dataset.case_sensitive=true"))
        return notes

    def _without(self, part: Labelled, other_parts: dict[str, set[str]]) -> Labelled:
        remaining = []
        for index, key in enumerate(self.comparison.keys(part)):
            reasons = ["empty"] if not key else [name for name, keys in other_parts.items() if key in keys]
            if reasons:
                self._drop(reasons[0], f"{_row(part, index)}, {_shown(part.texts[index])}")
            else:
                remaining.append(index)
        return take(part, remaining)

    def _first_occurrences(self, part: Labelled) -> Labelled:
        first: dict[str, int] = {}
        for index, key in enumerate(self.comparison.keys(part)):
            if (before := first.setdefault(key, index)) == index:
                continue
            where = f"{_row(part, index)} and {_row(part, before)}, {_shown(part.texts[before])}"
            if part.labels[before] == part.labels[index]:
                self._drop("duplicates", where)
                self.copies[key].append(index)
            else:
                self._drop("conflicting", f"{where}, with {part.labels[index]!r} and {part.labels[before]!r}")
            one, other = (TextComparison(case_sensitive=True).key(part.texts[i]) for i in (before, index))
            self.case_only += one != other
        return take(part, list(first.values()))

    def _drop(self, reason: str, example: str) -> None:
        self.dropped[reason] += 1
        self.examples.setdefault(reason, example)


def _row(part: Labelled, index: int) -> str:
    return f"row {index + 1}" if part.origins is None else f"row {part.origins[index].row}"


def _shown(text: Text) -> str:
    words = text if isinstance(text, str) else " / ".join(text)
    return repr(words if len(words) <= SHOWN else f"{words[:SHOWN]}…")


def _stripped(part: Labelled) -> Labelled:
    def stripped(text: Text) -> Text:
        return text.strip() if isinstance(text, str) else (text[0].strip(), text[1].strip())

    return replace(part, texts=[stripped(text) for text in part.texts])
