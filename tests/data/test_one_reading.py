"""The same table gives the same texts and labels from every kind of file, by dataset=table and dataset=hub.

Files are read by frostline.data.files.table_files, frostline.data.files.typed_files and
frostline.data.files.hub_files; what they contain becomes labelled texts in frostline.data.files.table_parts, after the
checks of frostline.data.files.columns.
"""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.data.corpus import RawData
from frostline.data.datasets.hub import Hub
from frostline.data.datasets.table import Table

Rows = list[tuple[str, str]]

WORDS = ["NA", "N/A", "null", "None", "nan", "NaN", "-inf", "007", "7", "1e5", "100000", "1.0", "0.50", "true", "False"]
WORDS += [
    "2020-01-01",
    "2020-01-01T00:00:00Z",
    "12:30",
    '"',
    '"x',
    'a "b" c',
    '""',
    "'",
    "a,b",
    "a;b",
    "[1]",
    "#c",
    "\\",
]
WORDS += ["é", "e\u0301", "文本", "🙂", "\u200d.", "\ufeffx", "\x01y", "{}", "1_000", "٣", "undefined", "x\u2028y"]
CELL = st.one_of(
    st.sampled_from(WORDS),
    st.text(st.characters(codec="utf-8", exclude_characters="\n\r\t\0"), min_size=1, max_size=8).map(str.strip),
).filter(lambda cell: any(c.isalnum() or c in "\"'" for c in cell))
TABLES = st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8).map(lambda rows: [*rows, ("some words", "no class")])


def write(folder: Path, name: str, rows: Rows) -> Path:
    """Write a table as its ending says."""
    path, ending = folder / name, name.rpartition(".")[2]
    if ending == "parquet":
        pq.write_table(pa.table({"text": [t for t, _ in rows], "label": [label for _, label in rows]}), path)
    elif ending == "jsonl":
        path.write_text("".join(json.dumps({"text": t, "label": label}) + "\n" for t, label in rows))
    elif ending == "tsv":
        path.write_text("".join(f"{t}\t{label}\n" for t, label in [("text", "label"), *rows]), encoding="utf-8")
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("text", "label"), *rows])
    return path


def content(raw: RawData) -> list[tuple[Any, Any]]:
    return list(zip(raw.train.texts, raw.train.labels, strict=True))


def by_table(path: Path, **options: Any) -> list[tuple[Any, Any]]:
    return content(Table(str(path), val=str(path), test=str(path), **options).load())


def by_hub(folder: Path, **options: Any) -> list[tuple[Any, Any]]:
    return content(Hub(str(folder), val="train", test="train", **options).load())


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))


@settings(max_examples=60, deadline=None)
@given(TABLES)
def test_every_kind_of_file_gives_the_same_texts_and_labels(rows: Rows) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, options = Path(name), {"multi_label": False}
        found = {kind: by_table(write(folder, f"a.{kind}", rows), **options) for kind in ("csv", "jsonl", "parquet")}
        found["tsv"] = by_table(write(folder, "a.tsv", rows), **options)
    assert [text for text, _ in found["csv"]] == [text for text, _ in rows]
    assert all(each == found["csv"] for each in found.values())


@settings(max_examples=8, deadline=None)
@given(TABLES)
def test_a_folder_of_the_hub_gives_what_its_files_give(rows: Rows) -> None:
    for kind in ("csv", "tsv", "jsonl"):
        with tempfile.TemporaryDirectory() as name:
            path = write(Path(name), f"train.{kind}", rows)
            assert by_hub(Path(name), multi_label=False) == by_table(path, multi_label=False)


def test_a_parquet_folder_of_the_hub_gives_what_its_file_gives(tmp_path: Path) -> None:
    rows = [(word, label) for word in ("NA", "null text", "007 x") for label in ("NA", "007", "2020-01-01")]
    path = write(tmp_path, "train.parquet", rows)
    assert by_hub(tmp_path) == by_table(path) == rows


def test_class_names_in_a_parquet_file_are_read_by_both(tmp_path: Path) -> None:
    from datasets import ClassLabel, Dataset, Features, List, Value

    kind = ClassLabel(names=["bad", "good"])
    features = Features({"text": Value("string"), "label": kind, "several": List(kind)})
    columns = {"text": list("abcd"), "label": [0, 1] * 2, "several": [[0], [1], [0, 1], []]}
    Dataset.from_dict(columns, features=features).to_parquet(tmp_path / "train.parquet")
    path = tmp_path / "train.parquet"
    assert by_table(path) == by_hub(tmp_path) == list(zip("abcd", ["bad", "good"] * 2, strict=True))
    assert by_table(path, label_column="several") == by_hub(tmp_path, label_column="several")


README = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: "data/*.txt"
  sep: "|"
  names: [label, text]
dataset_info:
  features:
  - name: label
    dtype:
      class_label:
        names:
          '0': bad
          '1': good
  - name: text
    dtype: string
---
"""


def test_a_readme_says_how_files_are_written_and_what_labels_are_called(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    (tmp_path / "README.md").write_text(README.replace("*.txt", "*.csv"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("0|NA\n1|null\n")
    (tmp_path / "data" / "b.csv").write_text("1|007 x\n0|x, y\n")
    expected = [("NA", "bad"), ("null", "good"), ("007 x", "good"), ("x, y", "bad")]
    assert by_hub(tmp_path) == expected


def test_files_downloaded_before_are_read_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "datasets--owner--name"
    snapshot = home / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("a" * 40)
    rows = [("NA", "007"), ("null", "NA")]
    write(snapshot, "train.csv", rows)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    hub = Hub("owner/name", val="train", test="train")
    assert hub.downloads() == []
    assert content(hub.load()) == rows
