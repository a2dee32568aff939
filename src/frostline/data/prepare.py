"""Preparation of a source's texts: removal of duplicates across parts, stratified splits, class names, fingerprint.

The run's seed has no influence: two runs with the same data settings use the same texts. Rows are in the order of the
source in every split.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

from frostline.data.checks import absent_classes, label_notes, label_problems
from frostline.data.copies import Repeats, TextComparison
from frostline.data.corpus import Corpus, Label, Labelled, Origin, RawData, Split, counts, is_multi, names
from frostline.data.few_shot import few_shot_subset
from frostline.data.folds import fold_problems, hold_out
from frostline.data.label_names import sorted_names
from frostline.data.label_noise import with_label_noise
from frostline.data.splits import cap, cut, joined
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
    keep_copies: bool = False,
    case_sensitive: bool = False,
) -> Corpus:
    """Return the corpus of a source: parts that it lacks are cut from train, as shares of all its texts.

    A given test set is not changed, so that scores can be compared with published ones; duplicates are removed from
    train and val. Texts are compared without white space, and without case unless `case_sensitive`. With `keep_copies`,
    copies of a text that have its label stay in train, but `shots` are of different texts. Folds are taken from train
    and val together: the fold is the test part if the source has none, else the validation part. Then train is reduced
    to `shots` texts a class, then the caps apply: they never move a text to another part, and the texts of a smaller
    cap are among those of a larger one. Finally a share `label_noise` of the training labels is replaced by wrong ones.

    Raises:
        UserError: with all problems of the texts and the settings.
    """
    problems = [] if folds is None and fold is None else fold_problems(folds, fold)
    _raise_if_any([*problems, *label_problems(raw), *_share_problems(raw, val_share, test_share, folds)])
    raw = with_origins(raw)
    repeats = Repeats(TextComparison(case_sensitive))
    clean = repeats.remove(raw if folds is None else _train_with_val(raw))
    _raise_if_any(_after_removal(label_problems(clean), repeats))
    if folds is None or fold is None:
        train, val, test = _cut_missing_parts(clean, val_share, test_share, split_seed)
    else:
        train, val, test = _split_by_fold(clean, folds, fold, val_share, split_seed)
    classes = class_names(train.labels)
    if keep_copies and shots is None:
        train = repeats.with_copies(train)
    if shots is not None:
        train = few_shot_subset(train, shots, shots_seed)
    train, val, test = (
        cap(part, limit, split_seed) for part, limit in ((train, max_train), (val, max_val), (test, max_test))
    )
    noised = 0
    if label_noise is not None:
        train, noised = with_label_noise(train, label_noise, classes, noise_seed)
    splits = (_indexed(train, classes), _indexed(val, classes), _indexed(test, classes))
    dropped = {reason: count for reason, count in repeats.dropped.items() if count}
    notes = [*raw.notes, *repeats.notes(), *label_notes(clean.train, classes)]
    notes += absent_classes(classes, val=val, test=test)
    return Corpus(*splits, classes, fingerprint(classes, splits), dropped, noised, is_multi(train), tuple(notes))


def class_names(labels: Sequence[Label]) -> list[str]:
    """Return the class names in order: numbers by value, then the others by name."""
    return sorted_names(counts(labels))


def with_origins(raw: RawData) -> RawData:
    """Number the rows of each part, where the source has not done so."""

    def numbered(name: str, part: Labelled) -> Labelled:
        if part.origins is not None:
            return part
        return replace(part, origins=[Origin(name, row) for row in range(1, len(part.texts) + 1)])

    parts = {name: numbered(name, part) for name, part in raw.given().items()}
    return RawData(parts["train"], parts.get("val"), parts.get("test"), raw.notes)


def _after_removal(problems: list[Problem], repeats: Repeats) -> list[Problem]:
    """Return the problems of what is left, with the reasons for which texts were removed."""
    reasons = "; ".join(note.message for note in repeats.notes())
    do = "give dataset.case_sensitive=true if these are different texts; " if repeats.case_only else ""
    return [Problem(p.key, f"{p.what}, without repeated texts: {reasons}", do + p.do) for p in problems]


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
    return raw if raw.val is None else replace(raw, train=joined(raw.train, raw.val), val=None)


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
