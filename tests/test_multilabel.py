"""Training and scoring texts of several classes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, log_loss, multilabel_confusion_matrix

from frostline.data.vader import Vader
from frostline.multilabel import MultiLabelScores, best_threshold, losses

Go = Callable[..., dict[str, Any]]
CLASSES = ["a", "b", "c", "d"]


def drawn(count: int = 200, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    chance = torch.Generator().manual_seed(seed)
    labels = (torch.rand(count, 4, generator=chance) < torch.tensor([0.5, 0.3, 0.2, 0.05])).long()
    return torch.randn(count, 4, generator=chance) + 1.5 * labels - 1, labels


def scored(logits: torch.Tensor, labels: torch.Tensor, size: int = 32) -> MultiLabelScores:
    found = MultiLabelScores(CLASSES)
    for part, own in zip(logits.split(size), labels.split(size), strict=True):
        found.update(part, own, torch.ones(len(part)))
    return found


def test_scores_are_scikit_learn_s() -> None:
    logits, labels = drawn()
    found = scored(logits, labels)
    values, predicted, true = found.compute(), (logits > 0).long().numpy(), labels.numpy()
    chances = logits.double().sigmoid().numpy()
    assert values["accuracy"] == pytest.approx(accuracy_score(true, predicted))
    assert values["f1_micro"] == pytest.approx(f1_score(true, predicted, average="micro"))
    assert values["f1_macro"] == pytest.approx(f1_score(true, predicted, average="macro"))
    by_class = [values[f"f1/{name}"] for name in CLASSES]
    assert by_class == pytest.approx(list(f1_score(true, predicted, average=None)))
    expected = np.mean([log_loss(true[:, c], chances[:, c], labels=[0, 1]) for c in range(4)])
    assert values["loss"] == pytest.approx(expected, rel=1e-5)
    table = multilabel_confusion_matrix(true, predicted).reshape(4, 4).tolist()
    assert found.confusion() == table and all(sum(row) == len(true) for row in table)


def test_the_threshold_is_the_best_of_all() -> None:
    for seed in range(5):
        logits, labels = drawn(40, seed)
        chances = logits[:, 2].sigmoid()
        own = best_threshold(chances, labels[:, 2])
        tried = [0.0, *(chances.double() - 1e-9).tolist()]
        best = max(f1_score(labels[:, 2], chances.double() >= t) for t in tried)
        assert f1_score(labels[:, 2], chances.double() >= own) == pytest.approx(best)


def test_equal_chances_are_told_alike() -> None:
    chances, labels = torch.tensor([0.9, 0.4, 0.4, 0.4, 0.1]), torch.tensor([1, 1, 0, 0, 0])
    assert best_threshold(chances, labels) == pytest.approx((0.9 + 0.4) / 2), "all three or none"
    assert best_threshold(torch.full((3,), 0.2), torch.tensor([1, 1, 0])) == pytest.approx(0.1)


def test_a_class_without_texts_keeps_an_even_threshold() -> None:
    assert best_threshold(torch.rand(5), torch.zeros(5)) == 0.5


def test_thresholds_are_those_of_validation_and_stay_for_the_test() -> None:
    found = scored(*drawn(seed=1))
    before = found.compute()["f1_macro"]
    found.choose_thresholds()
    assert found.compute()["f1_macro"] > before
    chosen = list(found.thresholds)
    found.reset()
    logits, labels = drawn(seed=2)
    found.update(logits, labels, torch.ones(len(logits)))
    predicted = logits.sigmoid().numpy() >= np.array(chosen)
    assert found.compute()["f1_macro"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert found.thresholds == chosen


def test_rows_of_weight_zero_and_the_cut_into_batches_change_nothing() -> None:
    logits, labels = drawn()
    plain = scored(logits, labels).compute()
    padded = scored(logits, labels, size=7)
    padded.update(logits[:3], labels[:3], torch.zeros(3))
    assert padded.compute() == pytest.approx(plain)


def test_the_loss_of_a_text_is_the_mean_over_its_classes() -> None:
    logits, labels = drawn(5)
    chances = logits.sigmoid()
    expected = -(labels * chances.log() + (1 - labels) * (1 - chances).log()).mean(dim=1)
    assert torch.allclose(losses(logits, labels), expected, atol=1e-6)


# Whole runs


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Tweets with their sentiment and whether they are long or shout: what real texts have beside one another."""
    raw = Vader("tweets").load().train
    rows = [
        {"text": text, "label": [str(mood), *(["long"] if len(text) > 80 else []), *(["loud"] if "!" in text else [])]}
        for text, mood in list(zip(raw.texts, raw.labels, strict=True))[:600]
    ]
    (tmp_path / "tags.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return "dataset=table dataset.train=tags.jsonl dataset.max_length=32"


def test_a_run_learns_several_classes_a_text_and_records_the_thresholds(go: Go, file: str) -> None:
    result = go(*file.split(), "freezing=frozen")
    metrics = result["metrics"]
    assert set(result["thresholds"]) == {"long", "loud", "negative", "neutral", "positive"}
    assert all(0 <= value <= 1 for value in result["thresholds"].values())
    assert metrics["test/f1/long"] > 0.7 and metrics["test/f1_micro"] > 0.5
    assert [sum(row) for row in result["confusion"]] == [120] * 5
    direct = go(*file.split(), "freezing=direct")["metrics"]
    assert metrics["test/f1_macro"] > direct["test/f1_macro"] and metrics["test/loss"] < direct["test/loss"]


def test_a_frozen_run_comes_near_to_scikit_learn_s_one_against_the_rest(go: Go, file: str, job: Any) -> None:
    from frostline.compose.build import build

    result = go(*file.split(), "freezing=frozen", "trainer.max_epochs=40")
    built = build(job(*file.split(), "freezing=frozen").config)
    vectors = {}
    with torch.no_grad():
        for name in ("train", "test"):
            tokens = built.tokens[name]
            vectors[name] = built.classifier.eval().vectors(*tokens.padded(np.arange(len(tokens)))).numpy()
    losses_of = []
    for c in range(5):
        own = {name: built.tokens[name].labels[:, c].numpy() for name in vectors}
        fitted = LogisticRegression(max_iter=2000).fit(vectors["train"], own["train"])
        losses_of.append(log_loss(own["test"], fitted.predict_proba(vectors["test"])[:, 1], labels=[0, 1]))
    assert result["metrics"]["test/loss"] == pytest.approx(np.mean(losses_of), abs=0.03)
