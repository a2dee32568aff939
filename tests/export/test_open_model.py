"""Folders of transformers in `frostline predict`, against the model as transformers itself loads it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from command_line import Command, in_process
from frostline.config.jobs import jobs_of_command
from frostline.errors import UserError
from frostline.export.open_model import open_model
from frostline.models.encoders.auto_model import locate_checkpoint

frostline = in_process
TEXTS = ["the soup", "a train, late", "they won " * 40, "x"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A BERT with a random classification head and three classes, which reads 16 tokens."""
    (job,) = jobs_of_command(["encoder=bert_tiny", "logger=csv"])
    checkpoint = locate_checkpoint(job.config["encoder"]["name"], job.config["encoder"]["pin"])
    torch.manual_seed(0)
    names = {0: "food", 1: "sport", 2: "travel"}
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint, num_labels=3, id2label=names)
    torch.nn.init.normal_(model.classifier.weight)
    model.save_pretrained(tmp_path / "model")
    AutoTokenizer.from_pretrained(checkpoint, model_max_length=16).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def logits(folder: Path) -> torch.Tensor:
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        rows = [model(**tokenizer(text, truncation=True, return_tensors="pt")).logits for text in TEXTS]
    return torch.cat(rows)


def set_config(folder: Path, **values: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_its_probabilities_are_those_of_transformers(folder: Path, frostline: Command) -> None:
    predictions = open_model(folder).predict_window(TEXTS)
    np.testing.assert_allclose(predictions.probabilities, logits(folder).softmax(-1), atol=1e-6)
    assert predictions.truncated == 1
    Path("new.csv").write_text("text\n" + "".join(f'"{text}"\n' for text in TEXTS))
    said = frostline("predict", str(folder), "new.csv")
    rows = list(csv.DictReader(io.StringIO(said.out)))
    names = ["food", "sport", "travel"]
    assert [row["predicted"] for row in rows] == [names[i] for i in logits(folder).argmax(-1)]
    assert "1 of 4 texts are truncated" in said.err


def test_several_labels_have_the_thresholds_of_its_config(folder: Path) -> None:
    set_config(folder, problem_type="multi_label_classification")
    assert open_model(folder).thresholds == [0.5] * 3
    set_config(folder, thresholds=[0.1, 0.2, 0.9])
    model = open_model(folder)
    assert model.thresholds == [0.1, 0.2, 0.9]
    np.testing.assert_allclose(model.predict_window(TEXTS).probabilities, logits(folder).sigmoid(), atol=1e-6)


def test_code_in_the_folder_is_run_only_if_it_is_trusted(folder: Path, frostline: Command) -> None:
    set_config(folder, auto_map={"AutoModelForSequenceClassification": "code.Model"})
    (folder / "code.py").write_text("raise SystemExit('it was run')\n")
    Path("new.csv").write_text("text\nsoup\n")
    said = frostline("predict", str(folder), "new.csv")
    assert (said.status, "give --trust-remote-code" in said.err) == (2, True)
    (folder / "model.safetensors").unlink()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "auto_map"}))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "auto_map"}))
    with pytest.raises(UserError, match="cannot be loaded"):
        open_model(folder)


def test_vectors_are_for_runs(folder: Path, frostline: Command) -> None:
    Path("new.csv").write_text("text\nsoup\n")
    said = frostline("predict", str(folder), "new.csv", "--vectors", "v.parquet")
    assert (said.status, "is for runs" in said.err) == (2, True)
    assert not Path("v.parquet").exists()
