"""From a source's data to a Corpus: no text on two sides, stratified splits, class names, a fingerprint.

Nothing here knows the run's seed: two runs with the same data settings see the same texts. Rows keep the source's
order in every split.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence

from frostline.console import log
from frostline.data.checks import label_problems
from frostline.data.few_shot import few
from frostline.data.folds import fold_problems, hold_out
from frostline.data.label_noise import noisy
from frostline.data.labels import counts, is_multi, names
from frostline.data.splits import cap, cut, joined, normalised, take
from frostline.errors import Problem, UserError
from frostline.types import Corpus, Count, Label, Labelled, PartShare, RawData, Share, Split, Text, Whole


def prepare(
    raw: RawData,
    *,
    max_train: Count | None = None,
    max_val: Count | None = None,
    max_test: Count | None = None,
    val_share: PartShare = 0.1,
    test_share: PartShare = 0.2,
    split_seed: Whole = 0,
    folds: Count | None = None,
    fold: Whole | None = None,
    shots: Count | None = None,
    shots_seed: Whole = 0,
    label_noise: Share | None = None,
    noise_seed: Whole = 0,
) -> Corpus:
    """Parts that the source lacks are cut from train; shares count from all of train's texts.

    A given test set stays as it is, so that scores compare with others'; train and val yield to it.
    Folds are of train and val together: the fold is the test part where the source has none of its own, else the
    validation part. Then `shots` texts a class are left of train, then come the caps: they never move a text to
    another part, and smaller caps keep a subset of larger ones. Last, `label_noise` of train's labels become wrong.
    """
    _refuse([*fold_problems(folds, fold), *label_problems(raw), *_share_problems(raw, val_share, test_share, folds)])
    clean, dropped = without_repeats(raw if folds is None else _pooled(raw))
    _refuse(label_problems(clean))
    if folds is None or fold is None:
        train, val, test = _split(clean, val_share, test_share, split_seed)
    else:
        train, val, test = _fold(clean, folds, fold, val_share, split_seed)
    classes = class_names(train.labels)
    train = few(train, shots, shots_seed)
    train, val, test = (
        cap(part, limit, split_seed) for part, limit in ((train, max_train), (val, max_val), (test, max_test))
    )
    train, noised = noisy(train, label_noise, classes, noise_seed)
    splits = (_indexed(train, classes), _indexed(val, classes), _indexed(test, classes))
    return Corpus(*splits, classes, fingerprint(classes, splits), dropped, noised, is_multi(train))


def class_names(labels: Sequence[Label]) -> list[str]:
    """Sorted by name, and by value where all are whole numbers."""
    found = set(counts(labels))
    return sorted(found, key=lambda name: (len(name), name)) if all(map(str.isdecimal, found)) else sorted(found)


def without_repeats(raw: RawData) -> tuple[RawData, dict[str, int]]:
    """Each dropped text is counted once, under the first reason that holds."""
    dropped: Counter[str] = Counter()
    test = _stripped(raw.test) if raw.test else None
    in_test = set(map(normalised, test.texts)) if test else set()
    val = _kept(_stripped(raw.val), {"val_in_test": in_test}, dropped) if raw.val else None
    in_val = set(map(normalised, val.texts)) if val else set()
    elsewhere = {"train_in_test": in_test, "train_in_val": in_val}
    train = _firsts(_kept(_stripped(raw.train), elsewhere, dropped), dropped)
    if dropped["conflicting"]:
        log(f"data: {dropped['conflicting']} texts of train stand there again with another label; the first one counts")
    return RawData(train, val, test), {name: count for name, count in dropped.items() if count}


def _stripped(part: Labelled) -> Labelled:
    def stripped(text: Text) -> Text:
        return text.strip() if isinstance(text, str) else (text[0].strip(), text[1].strip())

    return Labelled([stripped(text) for text in part.texts], part.labels, part.groups)


def _kept(part: Labelled, elsewhere: dict[str, set[str]], dropped: Counter[str]) -> Labelled:
    kept = []
    for index, key in enumerate(map(normalised, part.texts)):
        reasons = ["empty"] if not key else [name for name, keys in elsewhere.items() if key in keys]
        if reasons:
            dropped[reasons[0]] += 1
        else:
            kept.append(index)
    return take(part, kept)


def _firsts(part: Labelled, dropped: Counter[str]) -> Labelled:
    first: dict[str, int] = {}
    for index, key in enumerate(map(normalised, part.texts)):
        if first.setdefault(key, index) != index:
            same = part.labels[first[key]] == part.labels[index]
            dropped["duplicates" if same else "conflicting"] += 1
    return take(part, list(first.values()))


def _split(raw: RawData, val_share: float, test_share: float, seed: int) -> tuple[Labelled, Labelled, Labelled]:
    train, val, test, total = raw.train, raw.val, raw.test, len(raw.train.texts)
    if test is None:
        train, test = cut(train, round(test_share * total), seed, "test", leave=2 if val is None else 1)
    if val is None:
        train, val = cut(train, round(val_share * total), seed, "val", without_rare=raw.test is not None)
    return train, val, test


def _pooled(raw: RawData) -> RawData:
    return raw if raw.val is None else RawData(joined(raw.train, raw.val), None, raw.test)


def _fold(raw: RawData, folds: int, fold: int, val_share: float, seed: int) -> tuple[Labelled, Labelled, Labelled]:
    rest, held = hold_out(raw.train, folds, fold, seed)
    if raw.test is not None:
        return rest, held, raw.test
    train, val = cut(rest, round(val_share * len(raw.train.texts)), seed, "val")
    return train, val, held


def _indexed(part: Labelled, classes: list[str]) -> Split:
    index = {name: number for number, name in enumerate(classes)}
    if not is_multi(part):
        return Split(list(part.texts), [index[name] for label in part.labels for name in names(label)])
    return Split(list(part.texts), [[int(name in own) for name in classes] for own in part.labels])


def fingerprint(classes: list[str], splits: Sequence[Split]) -> str:
    """Of the content alone: equal texts, labels and class names in the same splits, wherever they are from."""
    content = [classes, [[split.texts, split.labels] for split in splits]]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _share_problems(raw: RawData, val_share: float, test_share: float, folds: int | None) -> list[Problem]:
    if raw.test is not None or (raw.val is not None and folds is None):
        return []
    name, held = ("test_share", test_share) if folds is None else ("one fold of", 1 / folds)
    if val_share + held >= 1:
        what = f"{val_share:g} with {name} {held:g} leaves nothing to train on"
        return [Problem("dataset.val_share", what, "choose shares with a sum below 1")]
    return []


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise UserError(problems)
