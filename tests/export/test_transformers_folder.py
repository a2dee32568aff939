"""Folders of transformers, loaded where frostline cannot be imported, against the trained model.

The modules are frostline.export.formats.transformers_folder, frostline.export.plain, frostline.export.equality,
frostline.export.modelling.classifiers and frostline.export.modelling.template.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from elsewhere import load_elsewhere
from frostline.errors import UserError
from frostline.export.export import export_model
from frostline.models.heads.linear import Linear
from trained_models import ODD, bert_tiny, trained_model, write_expected

REAL = ["A warm, funny film.", "Nothing happens, slowly.", "it's not bad , not good", *ODD]
MODELS: dict[str, dict[str, Any]] = {
    "mean-linear": {},
    "multi-label": {"pooler": "cls", "head": "mlp", "multi_label": True},
    "layer_mix-cosine-lora": {"pooler": "layer_mix", "head": "cosine", "adapter": "lora"},
    "attention-knn": {"pooler": "attention", "head": "knn"},
    "pairs": {"pooler": "weighted_last", "head": "logistic"},
}
FAMILY_HEADS: dict[str, dict[str, Any]] = {
    "transformers": {},
    "transformers-lora-multi-label": {"adapter": "lora", "multi_label": True},
}
PAIRS = [["w1 w2", "w3"], ["", "x"], ["one [SEP] two", "a " * 60], ["b " * 60, "c"]]


def test_logits_and_the_pipeline_are_equal_in_a_process_without_frostline(tmp_path: Path) -> None:
    checkpoint = bert_tiny(tmp_path / "checkpoint")
    for name, options in MODELS.items():
        trained = trained_model(checkpoint, **options)
        texts = PAIRS if name == "pairs" else REAL
        assert export_model(trained, tmp_path / name).startswith("a folder of transformers with a modelling file")
        write_expected(tmp_path / f"{name}.json", trained, texts)
    for name, options in FAMILY_HEADS.items():
        trained = trained_model(checkpoint, head="transformers", **options)
        said = export_model(trained, tmp_path / name)
        assert said == "a folder of transformers, which its class BertForSequenceClassification loads"
        assert not list((tmp_path / name).glob("*.py"))
        write_expected(tmp_path / f"{name}.json", trained, REAL)
    distances = load_elsewhere("transformers", *(tmp_path / name for name in [*MODELS, *FAMILY_HEADS]))
    assert list(distances) == [*MODELS, *FAMILY_HEADS]
    assert max(max(values) for values in distances.values()) < 1e-5, distances
    config = json.loads((tmp_path / "multi-label" / "config.json").read_text())
    assert config["problem_type"] == "multi_label_classification"
    assert config["thresholds"] == [0.5, 0.4, 0.3]
    assert config["max_tokens"] == 24
    assert str(tmp_path) not in (tmp_path / "mean-linear" / "config.json").read_text()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"adapter": "prefix"}, ["adapter: Prefix adds more than weights of linear layers, so it cannot be merged"]),
        ({"adapter": "prompt"}, ["adapter: Prompt adds more than weights of linear layers, so it cannot be merged"]),
        ({"head": "verbalizer"}, ["head: Verbalizer reads each text within a prompt"]),
        (
            {"head": "verbalizer", "adapter": "prefix"},
            ["head: Verbalizer reads each text", "adapter: Prefix adds more than"],
        ),
    ],
    ids=str,
)
def test_what_the_format_cannot_hold_is_refused_by_name(
    options: dict[str, Any], expected: list[str], tmp_path: Path
) -> None:
    trained = trained_model(bert_tiny(tmp_path / "checkpoint"), **options)
    with pytest.raises(UserError) as raised:
        export_model(trained, tmp_path / "out")
    assert [str(problem).startswith(start) for problem, start in zip(raised.value.problems, expected, strict=True)] == [
        True
    ] * len(expected), raised.value
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint"]


def test_a_user_s_head_is_refused_by_name(tmp_path: Path) -> None:
    class Mine(Linear):
        pass

    trained = trained_model(bert_tiny(tmp_path / "checkpoint"))
    trained.model.head = Mine(128, 3)
    with pytest.raises(UserError, match="head: Mine is not a head of frostline; choose --format onnx"):
        export_model(trained, tmp_path / "out")


def test_a_model_that_would_predict_otherwise_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class of the modelling file that differs from the pooler stands for any difference."""
    from frostline.export import parts
    from frostline.export.modelling.poolings import MaxPooling
    from frostline.models.poolers.mean import Mean

    monkeypatch.setitem(parts.POOLINGS, Mean, MaxPooling)
    with pytest.raises(UserError, match="the outputs would differ in the exported folder"):
        export_model(trained_model(bert_tiny(tmp_path / "checkpoint")), tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint"]
