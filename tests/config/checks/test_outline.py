"""The outline of a strategy: which kinds of blocks it trains, from its plan for a dummy model."""

from __future__ import annotations

from typing import Any

import pytest

from frostline.config.checks.outline import outline


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ("freezing=direct", set()),
        ("freezing=frozen", {"head"}),
        ("freezing=full", {"embeddings", "layer", "head"}),
        ("freezing=top_k freezing.k=1", {"layer", "head"}),
        ("freezing=full pooler=attention", {"embeddings", "layer", "pooler", "head"}),
        ("freezing=frozen pooler=attention", {"pooler", "head"}),
        ("freezing=full adapter=lora", {"adapter", "head"}),
        ("freezing=full adapter=prompt", {"adapter", "head"}),
    ],
)
def test_the_trainable_kinds_of_blocks(job: Any, words: str, kinds: set[str]) -> None:
    assert outline(job(*words.split()).config).trainable_kinds == kinds


def test_a_head_without_parameters_is_never_trainable(job: Any) -> None:
    config = job("freezing=full").config
    assert outline(config, head=False).trainable_kinds == {"embeddings", "layer"}


def test_a_strategy_that_decides_during_training_is_adaptive(job: Any) -> None:
    assert outline(job("freezing=plateau", "trainer.max_epochs=20").config).is_adaptive
    assert not outline(job("freezing=lp_ft", "trainer.max_epochs=20").config).is_adaptive


def test_a_strategy_that_accepts_no_dummy_model_has_problems_and_no_plan(job: Any) -> None:
    config = job("freezing=top_k").config
    strategy = config["freezing"] | {"k": 100}
    refused = outline({**config, "freezing": strategy})
    assert refused.trainable_kinds is None and not refused.is_adaptive
    assert [problem.key for problem in refused.problems] == ["freezing.k"]
