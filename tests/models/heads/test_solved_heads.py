"""Heads that are solved give scikit-learn's numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from frostline.errors import UserError
from frostline.models.heads import knn
from frostline.models.heads.knn import Knn
from frostline.models.heads.logistic import Logistic
from frostline.models.heads.prototype import Prototype

N, D = 300, 24


def drawn(classes: int = 4, rows: int = N, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Vectors (N, D), off centre and of unlike dimensions, and labels that they tell in part."""
    chance = torch.Generator().manual_seed(seed)
    plain = torch.randn(rows, D, generator=chance)
    labels = (plain[:, :classes] + torch.randn(rows, classes, generator=chance)).argmax(dim=1)
    return plain * torch.linspace(0.2, 3, D) + 0.5, labels


def several(rows: int = N, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Vectors and labels (N, 3) of 0 and 1."""
    vectors, _ = drawn(rows=rows, seed=seed)
    noise = torch.randn(rows, 3, generator=torch.Generator().manual_seed(seed + 9))
    return vectors, (vectors[:, -3:] + noise > 0.8).long()


def scaled(vectors: Tensor, standardize: bool) -> tuple[np.ndarray, Any]:
    wide = vectors.double().numpy()
    scaler = StandardScaler().fit(wide) if standardize else None
    return wide if scaler is None else scaler.transform(wide), scaler


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("c", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("classes", [2, 4])
def test_logistic_has_scikit_learn_s_coefficients(classes: int, c: float, standardize: bool) -> None:
    vectors, labels = drawn(classes)
    head = Logistic(D, classes, C=c, standardize=standardize)
    head.fit(vectors, labels)
    x, scaler = scaled(vectors, standardize)
    exact = LogisticRegression(C=c, tol=1e-12, max_iter=20_000).fit(x, labels)
    spread = np.ones(D) if scaler is None else scaler.scale_
    ours = head.weight.double().numpy() * spread
    ours = ours[1:] - ours[:1] if classes == 2 else ours
    np.testing.assert_allclose(ours, exact.coef_, rtol=0, atol=1e-4)
    assert (head(vectors).argmax(dim=1).numpy() == exact.predict(x)).all()
    chances = head(vectors).softmax(dim=1).double().numpy()
    np.testing.assert_allclose(chances, exact.predict_proba(x), rtol=0, atol=1e-4)


def test_logistic_tells_each_class_from_the_rest_where_texts_have_several() -> None:
    vectors, labels = several()
    head = Logistic(D, 3, multi_label=True)
    head.fit(vectors, labels)
    exact = OneVsRestClassifier(LogisticRegression(tol=1e-12, max_iter=20_000)).fit(vectors.double().numpy(), labels)
    expected = np.concatenate([one.coef_ for one in exact.estimators_])
    np.testing.assert_allclose(head.weight.double().numpy(), expected, rtol=0, atol=1e-4)


def test_logistic_says_where_it_could_not_reach_the_minimum(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("frostline.models.heads.logistic.STEPS", 2)
    Logistic(D, 4).fit(*drawn())
    assert "head.C: its problem is hard, weights may be" in capsys.readouterr().err


def test_a_class_without_texts_is_never_told() -> None:
    vectors, labels = drawn(3)
    for head in (Logistic(D, 4), Prototype(D, 4), Prototype(D, 4, metric="cosine"), Knn(D, 4)):
        head.fit(vectors, labels)
        assert head(vectors).isfinite().all()
        assert not (head(vectors).argmax(dim=1) == 3).any(), head


@pytest.mark.parametrize("standardize", [False, True])
def test_prototype_is_the_nearest_centroid(standardize: bool) -> None:
    (vectors, labels), (others, _) = drawn(), drawn(seed=2)
    head = Prototype(D, 4, standardize=standardize)
    head.fit(vectors, labels)
    x, scaler = scaled(vectors, standardize)
    exact = NearestCentroid().fit(x, labels)
    queries = others.double().numpy() if scaler is None else scaler.transform(others.double().numpy())
    assert (head(others).argmax(dim=1).numpy() == exact.predict(queries)).all()
    distances = ((queries[:, None] - exact.centroids_) ** 2).sum(axis=2)
    np.testing.assert_allclose(head(others).double().numpy(), -distances, rtol=1e-4, atol=1e-4)


def test_prototype_by_cosine_compares_directions() -> None:
    vectors, labels = drawn()
    head = Prototype(D, 4, metric="cosine", temperature=0.5)
    head.fit(vectors, labels)
    means = torch.stack([vectors[labels == c].mean(dim=0) for c in range(4)])
    expected = torch.nn.functional.cosine_similarity(vectors[:, None], means, dim=2) * 2
    torch.testing.assert_close(head(vectors), expected)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_knn_has_scikit_learn_s_shares(metric: Any, weights: Any, standardize: bool) -> None:
    (vectors, labels), (others, _) = drawn(), drawn(seed=2)
    head = Knn(D, 4, texts=N, k=7, metric=metric, weights=weights, smoothing=1e-6, standardize=standardize)
    head.fit(vectors, labels)
    x, scaler = scaled(vectors, standardize)
    exact = KNeighborsClassifier(7, metric=metric, weights=weights, algorithm="brute").fit(x, labels)
    for given in (others, vectors[:40]):  # new texts, and copies of known ones
        queries = given.double().numpy() if scaler is None else scaler.transform(given.double().numpy())
        np.testing.assert_allclose(head(given).exp().double().numpy(), exact.predict_proba(queries), atol=1e-3)


def test_smoothing_is_votes_for_all_classes_alike() -> None:
    vectors, labels = drawn()
    head = Knn(D, 4, k=1, smoothing=2.0)
    head.fit(vectors, labels)
    expected = torch.full((N, 4), 0.5 / 3).scatter(1, labels[:, None], 1.5 / 3)
    torch.testing.assert_close(head(vectors).softmax(dim=1), expected)


def test_knn_tells_shares_where_texts_have_several_classes() -> None:
    vectors, labels = several()
    head = Knn(D, 3, k=5, multi_label=True, metric="euclidean", smoothing=1e-6)
    head.fit(vectors, labels)
    near = torch.cdist(vectors, vectors).topk(5, largest=False).indices
    torch.testing.assert_close(head(vectors).sigmoid(), labels[near].float().mean(dim=1), rtol=0, atol=1e-5)


def test_knn_holds_few_distances_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    head = Knn(D, 4)
    head.fit(*drawn())
    whole = head(drawn()[0])
    monkeypatch.setattr(knn, "CHUNK", 3 * N)
    torch.testing.assert_close(head(drawn()[0]), whole)


def test_knn_before_it_is_fitted_prefers_no_class() -> None:
    assert not Knn(D, 4)(drawn()[0]).any()


def test_more_neighbours_than_texts_are_refused() -> None:
    with pytest.raises(UserError, match=r"head\.k: 9 neighbours, but train has 8 texts; give 1 to 8"):
        Knn(D, 4, texts=8, k=9)


def test_prototypes_are_for_texts_of_one_class() -> None:
    with pytest.raises(UserError, match=r"head: prototype has one mean a class, .*; choose head=logistic"):
        Prototype(D, 4, multi_label=True)
