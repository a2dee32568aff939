"""Texts of several classes: read, split and drawn from like others, though no choice can be exact for all classes."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from frostline.data.corpus import Corpus, Label, Labelled, RawData, Split, counts, names
from frostline.data.datasets.foldoc import Foldoc
from frostline.data.datasets.hub import Hub
from frostline.data.datasets.table import Table
from frostline.data.prepare import prepare
from frostline.data.shifted import shift
from frostline.errors import UserError

needs_apt = pytest.mark.skipif(
    shutil.which("apt-get") is None and Foldoc().downloads() != [], reason="its package comes by apt"
)
TAGS = "abcdef"


def made(count: int = 300, seed: int = 1) -> Labelled:
    """Texts with none to four of six classes, the last ones rare."""
    chance = np.random.default_rng(seed)
    drawn = chance.random((count, len(TAGS))) < [0.5, 0.4, 0.3, 0.2, 0.1, 0.05]
    labels = [tuple(name for name, has in zip(TAGS, row, strict=True) if has) for row in drawn]
    return Labelled([f"text {i}" for i in range(count)], labels)


@cache
def corpus(**options: Any) -> Corpus:
    return prepare(RawData(made()), **options)


def told(part: Split, classes: list[str]) -> dict[str, tuple[str, ...]]:
    pairs = zip(part.texts, np.array(part.labels), strict=True)
    return {str(text): tuple(name for name, has in zip(classes, row, strict=True) if has) for text, row in pairs}


def shares(part: Split) -> Any:
    return np.array(part.labels).mean(axis=0)


def test_labels_become_rows_of_zeros_and_ones() -> None:
    found, source = corpus(), made()
    assert found.multi_label and found.classes == list(TAGS)
    known = dict(zip(source.texts, source.labels, strict=True))
    for split in (found.train, found.val, found.test):
        assert told(split, found.classes) == {text: known[text] for text in split.texts}
    assert () in known.values(), "a text may have no class at all"


def test_one_class_a_text_stays_as_it_was() -> None:
    part = Labelled([f"{c} {i}" for i in range(9) for c in "ab"], ["a", "b"] * 9)
    found = prepare(RawData(part))
    assert not found.multi_label and set(found.train.labels) == {0, 1}


@pytest.mark.parametrize("seed", range(5))
def test_each_part_has_nearly_the_shares_of_the_whole(seed: int) -> None:
    """Within 2 texts in a hundred of each class, where independent draws would often miss by five."""
    found = prepare(RawData(made(2000, seed)), split_seed=seed)
    for split in (found.val, found.test):
        assert abs(shares(split) - shares(found.train)).max() < 0.02
        assert all(shares(split) > 0)


def test_folds_share_out_every_class_and_every_text() -> None:
    held = [corpus(folds=5, fold=fold).test for fold in range(5)]
    assert sorted(text for split in held for text in split.texts) == sorted(made().texts)
    sizes = [len(split) for split in held]
    assert max(sizes) - min(sizes) <= 1
    rarest = [np.array(split.labels).sum(axis=0)[-1] for split in held]
    assert max(rarest) - min(rarest) <= 1, "the rarest class is shared out exactly"


def test_the_order_of_rows_changes_nothing() -> None:
    source = made()
    turned = Labelled(source.texts[::-1], source.labels[::-1])
    for options in ({}, {"folds": 4, "fold": 1}, {"shots": 3}, {"label_noise": 0.3}):
        one, other = corpus(**options), prepare(RawData(turned), **options)
        assert told(one.train, one.classes) == told(other.train, other.classes)


def test_shots_are_at_least_so_many_of_each_class() -> None:
    found = [corpus(shots=shots) for shots in (2, 4, 8)]
    for shots, each in zip((2, 4, 8), found, strict=True):
        assert np.array(each.train.labels).sum(axis=0).min() >= shots and len(each.train) <= shots * len(TAGS)
    assert all(set(less.train.texts) < set(more.train.texts) for less, more in pairwise(found))


def test_noise_exchanges_one_class_of_a_text() -> None:
    clean, found = corpus(), corpus(label_noise=0.25)
    before, after = told(clean.train, clean.classes), told(found.train, found.classes)
    changed = [text for text in before if before[text] != after[text]]
    assert len(changed) == found.noised == round(0.25 * len(clean.train))
    assert all(len(set(before[t]) - set(after[t])) == len(set(after[t]) - set(before[t])) == 1 for t in changed)


def test_names_and_counts_are_of_both_kinds() -> None:
    labels: list[Label] = ["a", ("a", "b"), ()]
    assert [names(label) for label in labels] == [("a",), ("a", "b"), ()] and counts(labels) == {"a": 2, "b": 1}


def test_a_shift_must_be_of_the_same_kind() -> None:
    single = prepare(RawData(Labelled([f"{c} {i}" for i in range(9) for c in TAGS], list(TAGS) * 9)))
    with pytest.raises(UserError, match="only one of other and the data set is multi-label; name"):
        shift("other", corpus(), single)


# Sources


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_table_has_lists_of_labels(tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame({"text": list("wxyz"), "label": [["b", "a", "b"], ["a"], [], [1, 2.0]]})
    file = tmp_path / f"a.{ending}"
    if ending == "parquet":
        frame["label"] = frame["label"].map(lambda own: [str(int(v)) if isinstance(v, float) else str(v) for v in own])
        frame.to_parquet(file)
    else:
        frame.to_json(file, orient="records", lines=True)
    raw = Table(str(file), val=str(file), test=str(file)).load()
    assert list(raw.train.labels) == [("a", "b"), ("a",), (), ("1", "2")]


def test_a_hub_data_set_has_lists_of_class_labels(tmp_path: Path) -> None:
    from datasets import ClassLabel, Dataset, Features, List, Value

    features = Features({"text": Value("string"), "label": List(ClassLabel(names=["red", "blue"]))})
    columns = {"text": [f"t {i}" for i in range(8)], "label": [[0], [1], [0, 1], []] * 2}
    Dataset.from_dict(columns, features=features).to_parquet(tmp_path / "train.parquet")
    raw = Hub(str(tmp_path), test=None).load()
    assert list(raw.train.labels) == [("red",), ("blue",), ("blue", "red"), ()] * 2


LISTS: dict[str, tuple[list[Any], str]] = {
    "mixed": ([["a"], "b"], "contains both lists and single labels; write a list for each text, of one label too"),
    "nested": (
        [["a"], [["b"]]],
        "contains objects or lists of lists; name a column with one label or one list of labels",
    ),
    "empty": (
        [["a"], ["b", " "]],
        "has empty labels in its lists; remove them; a text without labels has an empty list",
    ),
    "no label": ([[], []], "dataset.train: no text has a label; a classifier needs two classes or more"),
    "one label": ([["a"], []], "dataset.train: all 2 texts have the label 'a'"),
}


@pytest.mark.parametrize("case", LISTS)
def test_lists_that_are_no_labels_are_told(tmp_path: Path, case: str) -> None:
    labels, message = LISTS[case]
    rows = [json.dumps({"text": f"t {i}", "label": own}) for i, own in enumerate(labels)]
    (tmp_path / "a.jsonl").write_text("\n".join(rows))
    with pytest.raises(UserError) as caught:
        Table(str(tmp_path / "a.jsonl")).load()
    assert message in str(caught.value)


@needs_apt
def test_definitions_of_computing_have_one_to_five_subjects() -> None:
    found = prepare(Foldoc().load())
    assert [len(split) for split in (found.train, found.val, found.test)] == [4374, 625, 1250]
    assert len(found.classes) == 27 and {"language", "networking", "operating system"} < set(found.classes)
    held = Counter(sum(row) for row in np.array(found.train.labels))
    assert set(held) == {1, 2, 3, 4, 5} and held[1] < 0.85 * len(found.train)
    assert abs(shares(found.test) - shares(found.train)).max() < 0.01
    assert not any(sign in str(text) for text in found.train.texts for sign in "{}")
