"""Predictions of a trained model, against the probabilities that its run recorded and against plain PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pyarrow import parquet

from frostline.data.build import load_corpus
from frostline.errors import UserError
from frostline.export.load import load_model
from frostline.export.predictor import Predictor

Go = Callable[..., dict[str, Any]]
SMALL = ("dataset=table", "dataset.train=texts.csv", "trainer.max_epochs=1", "trainer.min_steps=null")
TOPICS = {"sport": "the team won match {}", "food": "soup {} was too salty", "travel": "train {} left at noon"}


@pytest.fixture(autouse=True)
def texts() -> None:
    """Write texts.csv with three classes, tags.csv, in which a text can have two, and pairs.csv."""
    rows = [(topic, text.format(number)) for number in range(40) for topic, text in TOPICS.items()]
    Path("texts.csv").write_text("label,text\n" + "".join(f"{topic},{text}\n" for topic, text in rows))
    tags = "".join(f"{int(topic != 'food')},{int(topic != 'sport')},{text}\n" for topic, text in rows)
    Path("tags.csv").write_text("near,far,text\n" + tags)
    Path("pairs.csv").write_text("label,text,why\n" + "".join(f"{topic},{text},{topic[:2]}\n" for topic, text in rows))


def recorded(folder: Path) -> tuple[np.ndarray, list[Any]]:
    rows = parquet.read_table(folder / "predictions.parquet").to_pylist()
    names = [name for name in rows[0] if name.startswith("p_") and name[2:].isdecimal()]
    return np.array([[row[name] for name in names] for row in rows]), [row["predicted_class"] for row in rows]


@pytest.mark.parametrize(
    "overrides",
    [
        ("freezing=full",),
        ("dataset.train=tags.csv", "dataset.label_column=[near,far]", "freezing=frozen"),
        ("dataset.train=pairs.csv", "dataset.text_column=[text,why]", "freezing=frozen"),
        ("freezing=frozen", "head=knn"),
        ("freezing=direct", "head=verbalizer"),
        ("dataset.train=pairs.csv", "dataset.text_column=[text,why]", "freezing=full", "head=transformers"),
    ],
    ids=" ".join,
)
def test_predictions_are_those_of_the_run(go: Go, overrides: tuple[str, ...]) -> None:
    folder = go(*SMALL, *overrides)["folder"]
    predictor = Predictor(load_model(folder), batch_size=5)
    predictor.window = 10
    test = load_corpus(predictor.trained.config["dataset"]).test.texts
    probabilities, classes = recorded(folder)
    np.testing.assert_allclose(predictor.predict_proba(iter(test)), probabilities, atol=1e-5)
    assert predictor.predict(test) == classes


def test_vectors_are_what_the_head_reads(go: Go) -> None:
    predictor = Predictor(load_model(go(*SMALL, "freezing=full")["folder"]))
    texts = ["the team won", "", "soup " * 200, "late train"]
    vectors = predictor.encode(texts)
    for text, vector in zip(texts, vectors, strict=True):
        ids = torch.tensor(predictor.model.tokenize([text], 128).ids)
        with torch.no_grad():
            alone = predictor.model.vectors(ids, torch.ones_like(ids))
        np.testing.assert_allclose(vector, alone[0], atol=1e-5)
    head = predictor.head_probabilities(torch.from_numpy(vectors))
    np.testing.assert_allclose(predictor.predict_proba(texts), head, atol=1e-6)
    assert predictor.predict_window(texts).truncated == 1


def test_no_texts_have_no_predictions(go: Go) -> None:
    predictor = Predictor(load_model(go(*SMALL, "freezing=frozen")["folder"]))
    assert predictor.predict_proba([]).shape == (0, 3)
    assert predictor.predict([]) == []
    assert predictor.encode(iter(())).shape == (0, 128)


def test_texts_are_read_window_by_window(go: Go) -> None:
    predictor = Predictor(load_model(go(*SMALL, "freezing=frozen")["folder"]), batch_size=2)
    predictor.window, read = 4, []

    def texts() -> Iterator[str]:
        for number in range(100):
            read.append(number)
            yield f"train {number}"

    next(predictor.stream(texts()))
    assert len(read) == 4


def test_a_head_with_prompts_has_no_vectors(go: Go) -> None:
    predictor = Predictor(load_model(go(*SMALL, "freezing=direct", "head=verbalizer")["folder"]))
    with pytest.raises(UserError, match="reads no pooled vectors"):
        predictor.encode(["a text"])
