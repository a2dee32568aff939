"""Folders of peft, loaded where frostline cannot be imported, against the trained model.

The module is frostline.export.formats.peft_folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from elsewhere import load_elsewhere
from frostline.errors import UserError
from frostline.export.export import export_model
from trained_models import ODD, bert_tiny, trained_model, write_expected

MODELS: dict[str, dict[str, Any]] = {
    "lora-attention-linear": {"pooler": "attention", "adapter": "lora"},
    "dora-mean-knn": {"head": "knn", "adapter": "dora"},
    "ia3-cls-mlp": {"pooler": "cls", "head": "mlp", "adapter": "ia3", "multi_label": True},
}


def test_logits_are_equal_in_a_process_without_frostline(tmp_path: Path) -> None:
    checkpoint = bert_tiny(tmp_path / "checkpoint")
    for name, options in MODELS.items():
        trained = trained_model(checkpoint, **options)
        assert export_model(trained, tmp_path / name, "peft").startswith("a folder of peft with adapter and head")
        write_expected(tmp_path / f"{name}.json", trained, ODD)
    distances = load_elsewhere("peft", *(tmp_path / name for name in MODELS))
    assert list(distances) == list(MODELS)
    assert max(max(values) for values in distances.values()) < 1e-5, distances
    config = json.loads((tmp_path / "lora-attention-linear" / "adapter_config.json").read_text())
    assert {"classifier", "pooler"} <= set(config["modules_to_save"])
    assert config["base_model_name_or_path"] == str(tmp_path / "lora-attention-linear" / "base")


@pytest.mark.parametrize(
    ("adapter", "expected"),
    [("none", "adapter: the run has none; choose --format transformers"), ("prefix", "adapter: Prefix adds more than")],
)
def test_a_run_without_an_adapter_of_layers_is_refused(adapter: str, expected: str, tmp_path: Path) -> None:
    trained = trained_model(bert_tiny(tmp_path / "checkpoint"), adapter=adapter)
    with pytest.raises(UserError, match=expected):
        export_model(trained, tmp_path / "out", "peft")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
