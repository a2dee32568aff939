"""Families, poolers, heads and adapters: each combination is exported with equal logits, or refused by name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from export_matrix import Combination, Outcome, covering, outcomes

FEW = [  # plain classes of transformers, and families whose encoders, tokens or inputs differ
    Combination("ELECTRA", "cls", "mlp", "none", False),
    Combination("DeBERTa-v3", "cls", "mlp", "lora", True),
    Combination("MobileBERT", "cls", "linear", "none", False),
    Combination("XLNet", "cls", "logistic", "none", False),
    Combination("XLNet", "last", "cosine", "none", False),
    Combination("T5", "layer_mix", "prototype", "none", False),
    Combination("XLNet", "mean", "transformers", "none", False),
    Combination("GPT-2", "mean", "transformers", "lora", True),
    Combination("GPT-2", "last", "linear", "ia3", False),
    Combination("Llama", "weighted_last", "label_similarity", "dora", False),
    Combination("CLIP", "max", "knn", "none", True),
    Combination("Marian", "attention", "logistic", "none", False),
]


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let transformers import modelling files from a folder of this test."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))


def counted(found: dict[Combination, Outcome]) -> Counter[str]:
    assert not (wrong := {one: outcome for one, outcome in found.items() if outcome.kind == "wrong"}), wrong
    refused = [outcome.detail for outcome in found.values() if outcome.kind == "refused"]
    assert all(text.startswith(("adapter: ", "head: ", "pooler: ", "encoder: ")) for text in refused), refused
    return Counter(outcome.kind for outcome in found.values())


def test_few_combinations_are_exported(tmp_path: Path) -> None:
    assert counted(dict(outcomes(FEW, "transformers", tmp_path / "few"))) == {"exported": len(FEW)}


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("transformers", marks=pytest.mark.slow),
        *(pytest.param(kind, marks=pytest.mark.exhaustive) for kind in ("peft", "sentence-transformers", "onnx")),
    ],
)
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated")  # which peft reads
def test_all_pairs_of_choices_are_exported_or_refused(kind: str, tmp_path: Path) -> None:
    counts = counted(dict(outcomes(covering(), kind, tmp_path / "matrix")))
    assert counts["exported"] > 10
    assert counts["refused"] > 10
