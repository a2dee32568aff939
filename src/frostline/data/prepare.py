"""Preparation of a source's texts: removal of duplicates across parts, stratified splits, class names, fingerprint.

The run's seed has no influence: two runs with the same data settings use the same texts. Rows are in the order of the
source in every split.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from frostline.console import log
from frostline.data.checks import label_problems
from frostline.data.corpus import Corpus, Label, Labelled, Origin, RawData, Split, Text
from frostline.data.few_shot import few_shot_subset
from frostline.data.folds import fold_problems, hold_out
from frostline.data.label_noise import with_label_noise
from frostline.data.labels import counts, is_multi, names
from frostline.data.splits import cap, cut, joined, normalised, take
from frostline.errors import Problem, UserError
from frostline.types import Count, NonNegativeInt, PartShare, Share


def prepare(
    raw: RawData,
    *,
    max_train: Count | None = None,
    max_val: Count | None = None,
    max_test: Count | None = None,
    val_share: PartShare = 0.1,
    test_share: PartShare = 0.2,
    split_seed: NonNegativeInt = 0,
    folds: Count | None = None,
    fold: NonNegativeInt | None = None,
    shots: Count | None = None,
    shots_seed: NonNegativeInt = 0,
    label_noise: Share | None = None,
    noise_seed: NonNegativeInt = 0,
) -> Corpus:
    """Return the corpus of a source: parts that it lacks are cut from train, as shares of all its texts.

    A given test set is not changed, so that scores can be compared with published ones; duplicates are removed from
    train and val. Folds are taken from train and val together: the fold is the test part if the source has none, else
    the validation part. Then train is reduced to `shots` texts a class, then the caps apply: they never move a text to
    another part, and the texts of a smaller cap are among those of a larger one. Finally a share `label_noise` of the
    training labels is replaced by wrong ones.

    Raises:
        UserError: with all problems of the texts and the settings.
    """
    _raise_if_any(
        [*fold_problems(folds, fold), *label_problems(raw), *_share_problems(raw, val_share, test_share, folds)]
    )
    raw = with_origins(raw)
    clean, dropped = without_repeats(raw if folds is None else _train_with_val(raw))
    _raise_if_any(label_problems(clean))
    if folds is None or fold is None:
        train, val, test = _cut_missing_parts(clean, val_share, test_share, split_seed)
    else:
        train, val, test = _split_by_fold(clean, folds, fold, val_share, split_seed)
    classes = class_names(train.labels)
    train = few_shot_subset(train, shots, shots_seed)
    train, val, test = (
        cap(part, limit, split_seed) for part, limit in ((train, max_train), (val, max_val), (test, max_test))
    )
    train, noised = with_label_noise(train, label_noise, classes, noise_seed)
    splits = (_indexed(train, classes), _indexed(val, classes), _indexed(test, classes))
    return Corpus(*splits, classes, fingerprint(classes, splits), dropped, noised, is_multi(train))


def class_names(labels: Sequence[Label]) -> list[str]:
    """Return the class names sorted by name, or by value if all are integers."""
    classes = set(counts(labels))
    return sorted(classes, key=lambda name: (len(name), name)) if all(map(str.isdecimal, classes)) else sorted(classes)


def with_origins(raw: RawData) -> RawData:
    """Number the rows of each part, where the source has not done so."""

    def numbered(name: str, part: Labelled) -> Labelled:
        if part.origins is not None:
            return part
        return replace(part, origins=[Origin(name, row) for row in range(1, len(part.texts) + 1)])

    return RawData(
        numbered("train", raw.train),
        None if raw.val is None else numbered("val", raw.val),
        None if raw.test is None else numbered("test", raw.test),
    )


def without_repeats(raw: RawData) -> tuple[RawData, dict[str, int]]:
    """Remove empty and repeated texts; return the number of removed texts by the first reason that applies."""
    dropped: Counter[str] = Counter()
    test = _stripped(raw.test) if raw.test else None
    in_test = set(map(normalised, test.texts)) if test else set()
    val = _without(_stripped(raw.val), {"val_in_test": in_test}, dropped) if raw.val else None
    in_val = set(map(normalised, val.texts)) if val else set()
    other_parts = {"train_in_test": in_test, "train_in_val": in_val}
    train = _first_occurrences(_without(_stripped(raw.train), other_parts, dropped), dropped)
    if dropped["conflicting"]:
        log(f"data: {dropped['conflicting']} texts of train occur again with another label; the first label is used")
    return RawData(train, val, test), {name: count for name, count in dropped.items() if count}


def _stripped(part: Labelled) -> Labelled:
    def stripped(text: Text) -> Text:
        return text.strip() if isinstance(text, str) else (text[0].strip(), text[1].strip())

    return replace(part, texts=[stripped(text) for text in part.texts])


def _without(part: Labelled, other_parts: dict[str, set[str]], dropped: Counter[str]) -> Labelled:
    remaining = []
    for index, key in enumerate(map(normalised, part.texts)):
        reasons = ["empty"] if not key else [name for name, keys in other_parts.items() if key in keys]
        if reasons:
            dropped[reasons[0]] += 1
        else:
            remaining.append(index)
    return take(part, remaining)


def _first_occurrences(part: Labelled, dropped: Counter[str]) -> Labelled:
    first: dict[str, int] = {}
    for index, key in enumerate(map(normalised, part.texts)):
        if first.setdefault(key, index) != index:
            same = part.labels[first[key]] == part.labels[index]
            dropped["duplicates" if same else "conflicting"] += 1
    return take(part, list(first.values()))


def _cut_missing_parts(
    raw: RawData, val_share: float, test_share: float, seed: int
) -> tuple[Labelled, Labelled, Labelled]:
    train, val, test, total = raw.train, raw.val, raw.test, len(raw.train.texts)
    if test is None:
        train, test = cut(train, round(test_share * total), seed, "test", leave=2 if val is None else 1)
    if val is None:
        train, val = cut(train, round(val_share * total), seed, "val", without_rare=raw.test is not None)
    return train, val, test


def _train_with_val(raw: RawData) -> RawData:
    return raw if raw.val is None else RawData(joined(raw.train, raw.val), None, raw.test)


def _split_by_fold(
    raw: RawData, folds: int, fold: int, val_share: float, seed: int
) -> tuple[Labelled, Labelled, Labelled]:
    rest, held_out = hold_out(raw.train, folds, fold, seed)
    if raw.test is not None:
        return rest, held_out, raw.test
    train, val = cut(rest, round(val_share * len(raw.train.texts)), seed, "val")
    return train, val, held_out


def _indexed(part: Labelled, classes: list[str]) -> Split:
    index = {name: number for number, name in enumerate(classes)}
    if not is_multi(part):
        return Split(list(part.texts), [index[name] for label in part.labels for name in names(label)], part.origins)
    return Split(list(part.texts), [[int(name in label) for name in classes] for label in part.labels], part.origins)


def fingerprint(classes: list[str], splits: Sequence[Split]) -> str:
    """Return a hash of texts, labels and class names in their splits, independent of their source."""
    content = [classes, [[split.texts, split.labels] for split in splits]]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _share_problems(raw: RawData, val_share: float, test_share: float, folds: int | None) -> list[Problem]:
    if raw.test is not None or (raw.val is not None and folds is None):
        return []
    name, share = ("test_share", test_share) if folds is None else ("one fold of", 1 / folds)
    if val_share + share >= 1:
        what = f"{val_share:g} with {name} {share:g} leaves nothing to train on"
        return [Problem("dataset.val_share", what, "choose shares with a sum below 1")]
    return []


def _raise_if_any(problems: list[Problem]) -> None:
    if problems:
        raise UserError(problems)
