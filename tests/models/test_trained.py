"""The model of a complete run, loaded from its folder, against the predictions that the run recorded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pyarrow import parquet

from frostline.data.build import load_corpus
from frostline.errors import UserError
from frostline.models.trained import load_trained
from frostline.results.folder import RunFolder

Go = Callable[..., dict[str, Any]]
SMALL = ("dataset=table", "dataset.train=texts.csv", "trainer.max_epochs=1", "trainer.min_steps=null")
TOPICS = {"sport": "the team won match {}", "food": "soup {} was too salty", "travel": "train {} left at noon"}


@pytest.fixture(autouse=True)
def texts() -> None:
    """Write texts.csv with three classes, and tags.csv, in which a text can have two."""
    rows = [(topic, text.format(number)) for number in range(40) for topic, text in TOPICS.items()]
    Path("texts.csv").write_text("label,text\n" + "".join(f"{topic},{text}\n" for topic, text in rows))
    tags = "".join(f"{int(topic != 'food')},{int(topic != 'sport')},{text}\n" for topic, text in rows)
    Path("tags.csv").write_text("near,far,text\n" + tags)


def recorded(run: RunFolder) -> np.ndarray:
    rows = parquet.read_table(run.predictions).to_pylist()
    names = [name for name in rows[0] if name.startswith("p_") and name[2:].isdecimal()]
    return np.array([[row[name] for name in names] for row in rows if row["set"] == "test"])


@pytest.mark.parametrize(
    "overrides",
    [
        ("freezing=frozen",),
        ("freezing=full", "averaging=ema", "pooler=attention"),
        ("freezing=full", "averaging=wise_ft"),
        ("adapter=lora", "freezing=full"),
        ("adapter=prefix", "freezing=full"),
        ("freezing=frozen", "head=mlp", "pooler=layer_mix"),
        ("freezing=frozen", "head=knn"),
        ("freezing=frozen", "head=logistic"),
        ("freezing=direct", "head=label_similarity"),
        ("dataset.train=tags.csv", "dataset.label_column=[near,far]", "freezing=frozen"),
    ],
    ids=" ".join,
)
def test_a_loaded_model_gives_the_recorded_probabilities(go: Go, overrides: tuple[str, ...]) -> None:
    run = RunFolder(go(*SMALL, *overrides)["folder"])
    trained = load_trained(run)
    texts = load_corpus(trained.config["dataset"]).test.texts
    probabilities = []
    for text in texts:
        ids = torch.tensor(trained.model.tokenize([text], trained.max_length).ids)
        with torch.no_grad():
            logits = trained.model({"input_ids": ids, "attention_mask": torch.ones_like(ids)})
        probabilities.append(trained.probabilities(logits)[0].numpy())
    np.testing.assert_allclose(np.stack(probabilities), recorded(run), atol=1e-5)
    assert not any(module.training for module in trained.model.modules())


@pytest.fixture
def run(go: Go) -> RunFolder:
    return RunFolder(go(*SMALL, "freezing=frozen")["folder"])


def problem(run: RunFolder) -> str:
    with pytest.raises(UserError) as raised:
        load_trained(run)
    return str(raised.value)


def test_other_pretrained_weights_are_refused(run: RunFolder) -> None:
    environment = json.loads(run.environment.read_text())
    environment["encoder"]["fingerprint"] = "0" * 64
    run.environment.write_text(json.dumps(environment))
    assert "not those that the run began with" in problem(run)


def test_a_checkpoint_of_another_model_is_refused(run: RunFolder, go: Go) -> None:
    other = RunFolder(go(*SMALL, "freezing=frozen", "head=mlp")["folder"])
    shutil.copy(other.best, run.best)
    assert "does not fit the model" in problem(run)


def test_incomplete_folders_are_refused(run: RunFolder, tmp_path: Path) -> None:
    assert "is not a folder" in problem(RunFolder(tmp_path / "nowhere"))
    run.best.unlink()
    assert "has no best.safetensors" in problem(run)
    run.result.unlink()
    assert "no complete run" in problem(run)
