"""Folders of sentence-transformers, loaded where frostline cannot be imported, against the trained model.

The module is frostline.export.formats.sentence_transformers_folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from elsewhere import load_elsewhere
from frostline.errors import UserError
from frostline.export.export import export_model
from trained_models import ODD, bert_tiny, trained_model, write_expected

MODELS: dict[str, tuple[bool, dict[str, Any]]] = {
    "mean": (False, {"head": "knn", "adapter": "lora"}),
    "weighted_last": (False, {"pooler": "weighted_last"}),
    "max-mlp": (True, {"pooler": "max", "head": "mlp"}),
    "mean-cosine": (True, {"head": "cosine"}),
}
FURTHER: dict[str, tuple[bool, dict[str, Any]]] = {
    "cls": (False, {"pooler": "cls"}),
    "last-linear": (True, {"pooler": "last"}),
    "mean-label_similarity": (True, {"head": "label_similarity"}),
    "mean-logistic": (True, {"head": "logistic", "adapter": "dora"}),
}


@pytest.mark.parametrize("models", [MODELS, pytest.param(FURTHER, marks=pytest.mark.slow)], ids=["few", "further"])
def test_vectors_and_logits_are_equal_in_a_process_without_frostline(models: Any, tmp_path: Path) -> None:
    checkpoint = bert_tiny(tmp_path / "checkpoint")
    for name, (with_head, options) in models.items():
        trained = trained_model(checkpoint, **options)
        said = export_model(trained, tmp_path / name, "sentence-transformers", with_head)
        assert said.endswith(f"returns the {'logits' if with_head else 'vectors'} of texts")
        write_expected(tmp_path / f"{name}.json", trained, ODD, vectors=not with_head)
    distances = load_elsewhere("sentence-transformers", *(tmp_path / name for name in models))
    assert list(distances) == list(models)
    assert max(max(values) for values in distances.values()) < 1e-5, distances


@pytest.mark.parametrize(
    ("options", "with_head", "expected"),
    [
        ({"pooler": "attention"}, False, "pooler: Attention is no pooling mode of sentence-transformers"),
        ({"head": "prototype"}, True, "--with-head: Prototype does not consist of linear layers"),
        ({"head": "verbalizer"}, False, "head: Verbalizer reads no pooled vector of a text"),
    ],
    ids=str,
)
def test_what_the_format_cannot_hold_is_refused_by_name(
    options: dict[str, Any], with_head: bool, expected: str, tmp_path: Path
) -> None:
    trained = trained_model(bert_tiny(tmp_path / "checkpoint"), **options)
    with pytest.raises(UserError, match=expected):
        export_model(trained, tmp_path / "out", "sentence-transformers", with_head)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
