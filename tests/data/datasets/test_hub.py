"""Hub data sets, by a local folder in a layout of the hub; and what is said when the hub cannot be reached."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from frostline.data.datasets.hub import Hub
from frostline.data.prepare import prepare
from frostline.errors import UserError

ROWS = [(f"text {number} of {label}", label) for number in range(6) for label in ("no", "yes")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("set")
    for name, rows in (("train", ROWS), ("test", [("one", "no"), ("two", "yes")])):
        lines = ["text,label", *(f"{text},{label}" for text, label in rows)]
        (found / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return found


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A parquet data set with a ClassLabel, whose test labels are kept secret (-1)."""
    from datasets import ClassLabel, Dataset, Features, Value

    found = tmp_path_factory.mktemp("named")
    features = Features({"sentence": Value("string"), "kind": ClassLabel(names=["bad", "good"])})
    for name, labels in (("train", [0, 1] * 4), ("test", [-1, -1])):
        columns = {"sentence": [f"{name} {number}" for number in range(len(labels))], "kind": labels}
        Dataset.from_dict(columns, features=features).to_parquet(found / f"{name}.parquet")
    return found


def told(hub: Hub) -> list[str]:
    with pytest.raises(UserError) as caught:
        hub.load()
    return [str(problem) for problem in caught.value.problems]


def test_a_local_folder_gives_its_splits(folder: Path) -> None:
    hub = Hub(str(folder))
    raw = hub.load()
    assert hub.downloads() == []
    assert list(zip(raw.train.texts, raw.train.labels, strict=True)) == ROWS
    assert raw.val is None and raw.test is not None and list(raw.test.labels) == ["no", "yes"]
    assert prepare(raw).classes == ["no", "yes"]


def test_class_names_are_used_where_the_data_set_has_them(named: Path) -> None:
    raw = Hub(str(named), test=None, text_column="sentence", label_column="kind").load()
    assert list(raw.train.labels) == ["bad", "good"] * 4 and raw.test is None


def test_labels_that_are_kept_secret_are_told(named: Path) -> None:
    (found,) = told(Hub(str(named), text_column="sentence", label_column="kind"))
    assert f"dataset.label_column: 2 of 2 cells of 'kind' in {named} (test) are empty (rows 1, 2)" in found


def test_absent_splits_are_told_at_once(folder: Path) -> None:
    assert told(Hub(str(folder), train="trian", val="dev")) == [
        f"dataset.train: {folder} has no split 'trian'; did you mean train?",
        f"dataset.val: {folder} has no split 'dev'; choose one of: train, test (null cuts val from train)",
    ]


def test_absent_columns_are_told_for_each_split(folder: Path) -> None:
    assert told(Hub(str(folder), label_column="labels")) == [
        f"dataset.label_column: {folder} ({part}) has no column 'labels'; did you mean label? (columns: text, label)"
        for part in ("train", "test")
    ]


def test_labels_that_train_lacks_are_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_bytes((folder / "train.csv").read_bytes())
    (tmp_path / "test.csv").write_text("text,label\nx,maybe\n")
    assert told(Hub(str(tmp_path))) == [
        "dataset.test: it has labels that train lacks: 'maybe'; add such texts to train or remove them here"
    ]


def test_a_lost_or_empty_folder_is_told(tmp_path: Path) -> None:
    (found,) = told(Hub(f"{tmp_path}/nothing"))
    assert found.startswith(f"dataset.name: no folder {tmp_path}/nothing; correct the path, or give a hub name")
    (found,) = told(Hub(str(tmp_path)))
    assert found.startswith(f"dataset.name: '{tmp_path}' cannot be loaded (")


def outside(code: str, **environment: str) -> tuple[str, float]:
    """In a process of its own: the hub library reads its environment once, when it is imported."""
    start = time.monotonic()
    env = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr, time.monotonic() - start


LOAD = """
from frostline.data.datasets.hub import Hub
from frostline.errors import UserError
try:
    print(Hub("owner/name").downloads())
    Hub("owner/name").load()
except UserError as error:
    print(error)
"""


def test_a_hub_that_cannot_be_reached_is_told_within_seconds(tmp_path: Path) -> None:
    said, seconds = outside(LOAD, HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(tmp_path))
    assert "dataset.name: the hub cannot be reached for 'owner/name' (" in said
    assert "check the network, or set HF_HUB_OFFLINE=1 to use a copy fetched before" in said
    assert "['owner/name from the Hugging Face hub (its page tells the size)']" in said
    assert seconds < 20, "the libraries' own retries last longer"


def test_the_users_wish_to_stay_offline_is_honoured(tmp_path: Path) -> None:
    said, _ = outside(LOAD, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path))
    assert "dataset.name: 'owner/name' cannot be loaded (" in said and "HF_HUB_OFFLINE unset" in said
