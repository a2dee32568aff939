"""All heads' scores at once are those that torchmetrics gives for each."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.sweeps.fused.metrics import stacked_scores
from frostline.training.metrics import ClassificationMetrics


@settings(max_examples=40, deadline=None)
@given(heads=st.integers(1, 4), texts=st.integers(1, 60), classes=st.integers(2, 6), seed=st.integers(0, 999))
def test_as_each_by_itself(heads: int, texts: int, classes: int, seed: int) -> None:
    """Few texts, so that classes are neither there nor told; one head is as sure as can be, another knows nothing."""
    chance = torch.Generator().manual_seed(seed)
    logits = torch.randn(heads, texts, classes, generator=chance) * 3
    logits[0] *= 1000
    logits[-1] *= seed % 2
    labels = torch.randint(0, classes, (texts,), generator=chance)
    names = [str(c) for c in range(classes)]
    for own, found in zip(logits, stacked_scores(logits, labels, names), strict=True):
        expected = ClassificationMetrics(names)
        expected.update(own, labels, torch.ones(texts))
        assert found == pytest.approx(expected.compute(), abs=1e-6, rel=1e-6)
