"""The metrics equal those of scikit-learn and an ECE written from its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn import metrics
from torch import Tensor
from torchmetrics.classification import MulticlassF1Score

from frostline.results.metric_names import CLASS_F1, MULTI_LABEL_SCORES, SCORES
from frostline.training.metrics import ClassCounts, ClassificationMetrics
from frostline.training.multi_label_metrics import MultiLabelMetrics

CLASSES = ["negative", "neutral", "positive"]


def given(rows: int = 500, seed: int = 1, classes: int = 3) -> tuple[Tensor, Tensor]:
    """Return logits whose predictions are mostly right, and labels with unequal frequencies."""
    chance = torch.Generator().manual_seed(seed)
    labels = torch.multinomial(torch.tensor([0.6, 0.1, 0.3])[:classes], rows, replacement=True, generator=chance)
    logits = torch.randn(rows, classes, generator=chance) * 2
    logits[torch.arange(rows), labels] += 1.5
    return logits, labels


def scored(logits: Tensor, labels: Tensor, batch: int = 64, weight: Tensor | None = None) -> ClassificationMetrics:
    scores = ClassificationMetrics(CLASSES[: logits.shape[1]])
    weight = torch.ones(len(labels)) if weight is None else weight
    for part in torch.arange(len(labels)).split(batch):
        scores.update(logits[part], labels[part], weight[part])
    return scores


def calibration_error(logits: Tensor, labels: Tensor, bins: int = 15) -> float:
    """Return equation 3 of arXiv:1706.04599: the mean over texts of each bin's gap between accuracy and confidence."""
    chances = torch.softmax(logits.double(), dim=1).numpy()
    sure, right = chances.max(axis=1), chances.argmax(axis=1) == labels.numpy()
    total = 0.0
    for low in np.arange(bins) / bins:
        inside = (sure > low) & (sure <= low + 1 / bins)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    return total


def test_scores_are_those_of_scikit_learn() -> None:
    logits, labels = given()
    measured, predicted = scored(logits, labels).compute(), logits.argmax(dim=1)
    each = metrics.f1_score(labels, predicted, average=None)
    expected = {
        "loss": metrics.log_loss(labels, torch.softmax(logits.double(), dim=1)),
        "accuracy": metrics.accuracy_score(labels, predicted),
        "f1_macro": metrics.f1_score(labels, predicted, average="macro"),
        "ece": calibration_error(logits, labels),
        **{f"f1/{name}": value for name, value in zip(CLASSES, each, strict=True)},
    }
    assert list(measured) == list(expected)
    assert measured == pytest.approx(expected, abs=1e-6)


def test_each_score_of_a_split_has_a_direction_and_is_computed() -> None:
    """A score that only one of the two sides has could not be monitored, or would be missing from every run."""
    logits, labels = given()
    by_text = scored(logits, labels).compute()
    several = MultiLabelMetrics(CLASSES)
    several.update(logits, torch.nn.functional.one_hot(labels, 3), torch.ones(len(labels)))
    named = [[name for name in found if not name.startswith(CLASS_F1)] for found in (by_text, several.compute())]
    assert set(named[0]) == SCORES.keys() - set(MULTI_LABEL_SCORES)
    assert set(named[1]) == SCORES.keys()


def test_the_confusion_matrix_has_true_classes_down_and_predicted_ones_across() -> None:
    logits, labels = given()
    expected = metrics.confusion_matrix(labels, logits.argmax(dim=1))
    assert scored(logits, labels).confusion() == expected.tolist()


@pytest.mark.parametrize("batch", [1, 7, 64, 500])
def test_batches_of_any_size_give_the_same_scores(batch: int) -> None:
    logits, labels = given()
    assert scored(logits, labels, batch).compute() == pytest.approx(scored(logits, labels).compute(), abs=1e-6)


def test_rows_of_weight_zero_do_not_count() -> None:
    logits, labels = given()
    kept = torch.rand(len(labels), generator=torch.Generator().manual_seed(2)) > 0.5
    spoiled = logits.clone()
    spoiled[~kept] = float("nan")
    measured, expected = scored(spoiled, labels, weight=kept.float()), scored(logits[kept], labels[kept])
    assert measured.compute() == pytest.approx(expected.compute(), abs=1e-6)
    assert measured.confusion() == expected.confusion()
    assert sum(map(sum, measured.confusion())) == int(kept.sum())


def test_a_batch_of_nothing_but_filling_changes_nothing() -> None:
    logits, labels = given()
    scores = scored(logits, labels)
    before = scores.compute()
    scores.update(logits[:1], labels[:1], torch.zeros(1))
    assert scores.compute() == before


def test_a_rank_with_nothing_but_filling_can_still_be_asked() -> None:
    """It has no value; it must take part without a warning."""
    logits, labels = given()
    scores = scored(logits[:1], labels[:1], weight=torch.zeros(1))
    assert scores.confusion() == [[0, 0, 0]] * 3
    assert math.isnan(scores.compute()["loss"]) or scores.compute()["loss"] == 0


def test_a_class_that_no_text_has_and_nobody_predicts_counts_as_zero_in_the_macro_mean() -> None:
    """As in scikit-learn with all labels given."""
    logits, labels = given()
    logits[:, 1] = -100.0
    labels[labels == 1] = 0
    expected = metrics.f1_score(labels, logits.argmax(dim=1), labels=[0, 1, 2], average="macro", zero_division=0)
    assert scored(logits, labels).compute()["f1_macro"] == pytest.approx(expected, abs=1e-6)


def test_two_classes_are_classes_like_any() -> None:
    logits, labels = given(classes=2)
    measured, predicted = scored(logits, labels).compute(), logits.argmax(dim=1)
    assert measured["accuracy"] == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert measured["f1_macro"] == pytest.approx(metrics.f1_score(labels, predicted, average="macro"))


def test_a_perfect_and_sure_model_has_no_error_of_calibration() -> None:
    labels = torch.arange(30) % 3
    measured = scored(torch.nn.functional.one_hot(labels, 3) * 100.0, labels).compute()
    assert measured == pytest.approx({key: float(key not in ("loss", "ece")) for key in measured}, abs=1e-6)


def test_half_precision_logits_lose_nothing_but_their_own_bits() -> None:
    logits, labels = given()
    rounded = logits.bfloat16()
    assert scored(rounded, labels).compute() == pytest.approx(scored(rounded.float(), labels).compute())


def test_reset_forgets_everything() -> None:
    logits, labels = given()
    scores = scored(logits, labels)
    scores.reset()
    again, other = given(seed=2)
    scores.update(again, other, torch.ones(len(other)))
    assert scores.compute() == pytest.approx(scored(again, other).compute(), abs=1e-6)


@pytest.mark.parametrize("classes", [2, 3, 40])
def test_the_f1_of_each_class_is_that_of_torchmetrics_to_the_bit(classes: int) -> None:
    chance = torch.Generator().manual_seed(classes)
    counts, expected = ClassCounts(classes), MulticlassF1Score(classes, average="none")
    for _ in range(5):
        predicted, labels = torch.randint(classes, (2, 37), generator=chance)
        counts.update(predicted, labels)
        expected.update(predicted, labels)
    assert torch.equal(counts.compute(), expected.compute())
