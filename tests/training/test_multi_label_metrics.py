"""Training and evaluation of multi-label data."""

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
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import NearestNeighbors

from frostline.data.datasets.vader import Vader
from frostline.results.atomic_files import read_json
from frostline.training.multi_label_metrics import MultiLabelMetrics, best_threshold, multi_label_losses

Go = Callable[..., dict[str, Any]]
CLASSES = ["a", "b", "c", "d"]


def drawn(count: int = 200, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    chance = torch.Generator().manual_seed(seed)
    labels = (torch.rand(count, 4, generator=chance) < torch.tensor([0.5, 0.3, 0.2, 0.05])).long()
    return torch.randn(count, 4, generator=chance) + 1.5 * labels - 1, labels


def scored(logits: torch.Tensor, labels: torch.Tensor, size: int = 32) -> MultiLabelMetrics:
    measured = MultiLabelMetrics(CLASSES)
    for part, own in zip(logits.split(size), labels.split(size), strict=True):
        measured.update(part, own, torch.ones(len(part)))
    return measured


def test_scores_are_scikit_learn_s() -> None:
    logits, labels = drawn()
    measured = scored(logits, labels)
    values, predicted, true = measured.compute(), (logits > 0).long().numpy(), labels.numpy()
    chances = logits.double().sigmoid().numpy()
    assert values["accuracy"] == pytest.approx(accuracy_score(true, predicted))
    assert values["f1_micro"] == pytest.approx(f1_score(true, predicted, average="micro"))
    assert values["f1_macro"] == pytest.approx(f1_score(true, predicted, average="macro"))
    by_class = [values[f"f1/{name}"] for name in CLASSES]
    assert by_class == pytest.approx(list(f1_score(true, predicted, average=None)))
    expected = np.mean([log_loss(true[:, c], chances[:, c], labels=[0, 1]) for c in range(4)])
    assert values["loss"] == pytest.approx(expected, rel=1e-5)
    table = multilabel_confusion_matrix(true, predicted).reshape(4, 4).tolist()
    assert measured.confusion() == table and all(sum(row) == len(true) for row in table)


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
    measured = scored(*drawn(seed=1))
    before = measured.compute()["f1_macro"]
    measured.choose_thresholds()
    assert measured.compute()["f1_macro"] > before
    chosen = list(measured.thresholds)
    measured.reset()
    logits, labels = drawn(seed=2)
    measured.update(logits, labels, torch.ones(len(logits)))
    predicted = logits.sigmoid().numpy() >= np.array(chosen)
    assert measured.compute()["f1_macro"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert measured.thresholds == chosen


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
    assert torch.allclose(multi_label_losses(logits, labels), expected, atol=1e-6)


# Whole runs


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Write tweets with the labels sentiment, long and shouting, of which real texts have several."""
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


def texts_of(run_job: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return vectors (N, D) and labels (N, C) of the training and test texts of a run with a frozen encoder."""
    from frostline.training.build import build

    built, vectors = build(run_job.config), {}
    for name in ("train", "test"):
        tokens = built.tokens[name]
        with torch.no_grad():
            own = built.model.eval().vectors(*tokens.padded(np.arange(len(tokens))))
        vectors[name] = (own.double().numpy(), tokens.labels.numpy())
    return vectors


def test_a_frozen_run_comes_near_to_scikit_learn_s_one_against_the_rest(go: Go, file: str, job: Any) -> None:
    result = go(*file.split(), "freezing=frozen", "trainer.max_epochs=40")
    texts = texts_of(job(*file.split(), "freezing=frozen"))
    chances, true = one_against_the_rest(*texts["train"], texts["test"][0]), texts["test"][1]
    expected = np.mean([log_loss(true[:, c], chances[:, c], labels=[0, 1]) for c in range(5)])
    assert result["metrics"]["test/loss"] == pytest.approx(expected, abs=0.03)


def one_against_the_rest(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    exact = OneVsRestClassifier(LogisticRegression(tol=1e-10, max_iter=9999)).fit(known, labels)
    probabilities: np.ndarray = exact.predict_proba(asked)
    return probabilities


def shares_of_five(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return the share of the five nearest texts with a class, with one further vote divided between yes and no."""
    near = NearestNeighbors(n_neighbors=5, metric="cosine").fit(known).kneighbors(asked, return_distance=False)
    shares: np.ndarray = (labels[near].sum(axis=1) + 0.5) / 6
    return shares


@pytest.mark.parametrize(("head", "told"), [("logistic", one_against_the_rest), ("knn", shares_of_five)])
def test_a_solved_head_s_run_scores_what_scikit_learn_tells(
    go: Go, file: str, job: Any, head: str, told: Callable[..., np.ndarray]
) -> None:
    """At the thresholds that the run has chosen for each class."""
    words = [*file.split(), "freezing=frozen", f"head={head}"]
    result, texts = read_json(go(*words)["folder"] / "result.json"), texts_of(job(*words))
    predicted = told(*texts["train"], texts["test"][0]) >= np.array(list(result["thresholds"].values()))
    for average in ("micro", "macro"):
        expected = f1_score(texts["test"][1], predicted, average=average)
        assert result["metrics"][f"test/f1_{average}"] == pytest.approx(expected, abs=0.005), average
        assert expected > 0.4


@pytest.mark.slow
def test_a_run_with_focal_loss_is_one_with_cross_entropy_where_gamma_is_0(go: Go, file: str) -> None:
    words = [*file.split(), "freezing=frozen"]
    plain, same, focal = (go(*words, *loss) for loss in ([], ["loss=focal", "loss.gamma=0"], ["loss=focal"]))
    assert read_json(focal["folder"] / "result.json")["metrics"] == focal["metrics"]
    assert same["metrics"] == pytest.approx(plain["metrics"], abs=1e-5)
    assert focal["metrics"]["test/loss"] > plain["metrics"]["test/loss"] + 0.01, "chances are told less surely"
    for average in ("micro", "macro"):
        assert focal["metrics"][f"test/f1_{average}"] == pytest.approx(plain["metrics"][f"test/f1_{average}"], abs=0.1)
