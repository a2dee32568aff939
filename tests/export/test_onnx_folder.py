"""Graphs of ONNX, run where frostline cannot be imported, against the trained model.

The module is frostline.export.formats.onnx_folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn

from elsewhere import load_elsewhere
from frostline.errors import UserError
from frostline.export.export import export_model
from trained_models import CLASSES, ODD, bert_tiny, trained_model, write_expected

MODELS: dict[str, dict[str, Any]] = {
    "pairs": {},
    "layer_mix-knn-lora": {"pooler": "layer_mix", "head": "knn", "adapter": "lora", "multi_label": True},
}
PAIRS = [["w1 w2", "w3"], ["", "x"], ["one [SEP] two", "a " * 60]]


@pytest.mark.slow
def test_logits_are_equal_in_a_process_without_frostline(tmp_path: Path) -> None:
    checkpoint = bert_tiny(tmp_path / "checkpoint")
    for name, options in MODELS.items():
        trained = trained_model(checkpoint, **options)
        assert export_model(trained, tmp_path / name, "onnx").startswith("a graph of ONNX")
        write_expected(tmp_path / f"{name}.json", trained, PAIRS if name == "pairs" else ODD)
    distances = load_elsewhere("onnx", *(tmp_path / name for name in MODELS))
    assert list(distances) == list(MODELS)
    assert max(max(values) for values in distances.values()) < 1e-5, distances
    config = json.loads((tmp_path / "pairs" / "config.json").read_text())
    assert list(config["id2label"].values()) == list(CLASSES)


class OwnHead(nn.Module):
    """A head of a user: the sum of each third of a vector."""

    def forward(self, vectors: Tensor) -> Tensor:
        return vectors[:, :126].unflatten(1, (3, 42)).sum(dim=2)


class Branching(nn.Module):
    """A head that depends on values in a way that a graph cannot."""

    def forward(self, vectors: Tensor) -> Tensor:
        return vectors[:, :3] if float(vectors.sum()) > 0 else -vectors[:, :3]


def test_a_user_s_head_is_exported(tmp_path: Path) -> None:
    trained = trained_model(bert_tiny(tmp_path / "checkpoint"))
    trained.model.head = OwnHead()
    assert export_model(trained, tmp_path / "out", "onnx").startswith("a graph of ONNX")


def test_what_a_graph_cannot_hold_is_refused_by_name(tmp_path: Path) -> None:
    checkpoint = bert_tiny(tmp_path / "checkpoint")
    with pytest.raises(UserError, match="head: Verbalizer reads each text within a prompt"):
        export_model(trained_model(checkpoint, head="verbalizer"), tmp_path / "out", "onnx")
    for adapter in ("prefix", "prompt"):
        with pytest.raises(UserError, match=f"adapter: {adapter.title()} puts virtual tokens before each text"):
            export_model(trained_model(checkpoint, adapter=adapter), tmp_path / "out", "onnx")
    trained = trained_model(checkpoint)
    trained.model.head = Branching()
    with pytest.raises(UserError, match="torch cannot write BertModel with Branching as a graph of ONNX"):
        export_model(trained, tmp_path / "out", "onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
