"""What is measured of vectors, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import NearestCentroid

from frostline.report.statistics.separation import nearest_mean_accuracy, principal_components


def random_vectors(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """60 vectors of 8 numbers, of classes that overlap and are not equally frequent; far from zero."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([0, 1, 4], 60, p=[0.6, 0.3, 0.1])
    return (100 + rng.normal(size=(60, 8)) + 0.8 * labels[:, None]).astype(np.float32), labels


@pytest.mark.parametrize("seed", range(5))
def test_the_nearest_mean_is_that_of_scikit_learn_with_each_text_left_out(seed: int) -> None:
    vectors, labels = random_vectors(seed)
    wide = vectors.astype(float)
    right = cross_val_score(NearestCentroid(), wide, labels, cv=LeaveOneOut()).mean()
    assert 0.4 < right < 1
    assert nearest_mean_accuracy(vectors, labels) == pytest.approx(right)


def test_a_class_of_one_text_has_no_mean_without_it() -> None:
    vectors = np.array([[0.0, 0], [1, 0], [0, 1], [9, 9]])
    assert nearest_mean_accuracy(vectors, np.array([0, 0, 0, 7])) == 0.75


def test_the_principal_axes_are_those_of_scikit_learn() -> None:
    vectors, _ = random_vectors(0)
    reference = PCA(2, svd_solver="full").fit(vectors.astype(float))
    result = principal_components(vectors)
    assert result.share == pytest.approx(reference.explained_variance_ratio_.sum())
    points = reference.transform(vectors.astype(float))
    for axis in (0, 1):
        assert np.allclose(np.abs(result.points[:, axis]), np.abs(points[:, axis]))
    assert np.array_equal(principal_components(vectors).points, result.points)
    turned = principal_components(-vectors)
    assert not np.allclose(turned.points, result.points)
    assert np.allclose(principal_components(-vectors, result).points, result.points)


def test_vectors_that_are_all_the_same_have_no_spread() -> None:
    same = principal_components(np.ones((5, 3), np.float32))
    assert (same.share, np.abs(same.points).max()) == (0, 0)
