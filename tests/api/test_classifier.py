"""FrostlineClassifier is an estimator of scikit-learn: its own checks pass but for those in a list with reasons."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any
from unittest import SkipTest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.validation import validate_data

import frostline as fl
from frostline.api.classifier import FrostlineClassifier, class_names_of
from frostline.data.label_names import class_of_spelling
from frostline.errors import UserError

FAST = {"freezing": "frozen", "head": "logistic", "dataset__max_length": 16}
GOOD, BAD = ["good", "great", "fine", "lovely"], ["bad", "awful", "poor", "dull"]
TEXTS = [f"{word} {noun}" for noun in ("film", "book", "song", "meal", "play", "walk") for word in (*GOOD, *BAD)]
LABELS = [word.split()[0] in GOOD for word in TEXTS]


class OnRows(FrostlineClassifier):
    """Reads the rows of a matrix as texts, because scikit-learn's checks have no texts."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array, tags.input_tags.string = True, False, False
        return tags

    def fit(self, X: Any, y: Any) -> OnRows:  # noqa: N803
        X, y = validate_data(self, X, y)  # noqa: N806
        super().fit(_as_texts(X), y)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float32]:  # noqa: N803
        return super().predict_proba(_as_texts(validate_data(self, X, reset=False)))


def _as_texts(rows: NDArray[Any]) -> list[str]:
    return [" ".join(f"{value:.2f}" for value in row) for row in rows]


# Checks that cannot pass, with the reason
EXPECTED = {
    "check_fit2d_1feature": "a row of one number is no text: a column of numbers is refused as texts",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_checks_of_scikit_learn_fail_where_the_list_says_so() -> None:
    failed, passed = failures(legacy=True)
    assert failed.keys() == EXPECTED.keys(), failed
    assert passed > 40


@pytest.mark.filterwarnings("ignore")
def test_the_checks_of_the_interface_pass() -> None:
    failed, passed = failures(legacy=False)
    assert failed == {} and passed > 10


def failures(legacy: bool) -> tuple[dict[str, str], int]:
    """Return name -> error of the checks that fail, and how many pass. legacy: with those of behaviour."""
    failed, passed = {}, 0
    for estimator, check in estimator_checks_generator(OnRows(freezing="frozen", head="logistic"), legacy=legacy):
        try:
            check(estimator)
        except SkipTest:
            continue
        except Exception as error:
            failed[getattr(check, "func", check).__name__] = f"{type(error).__name__}: {error}"
        else:
            passed += 1
    return failed, passed


@pytest.mark.parametrize("labels", [[3, 11, 7], ["b", "a", "c"], [True, False], [3.0, 1.0, 2.0], ["1", "1.0", "+1"]])
def test_labels_keep_their_type(labels: list[Any]) -> None:
    y = [labels[index % len(labels)] for index in range(len(TEXTS))]
    fitted = FrostlineClassifier(**FAST).fit(pd.Series(TEXTS), y)
    assert fitted.classes_.tolist() == sorted(labels)
    predicted, probabilities = fitted.predict(np.array(TEXTS)), fitted.predict_proba(TEXTS)
    assert predicted.dtype == np.asarray(y).dtype and set(predicted.tolist()) <= set(labels)
    assert predicted.tolist() == fitted.classes_[probabilities.argmax(axis=1)].tolist()
    names = class_names_of(fitted.classes_.tolist())
    assert fitted.model_.predict(TEXTS) == [names[fitted.classes_.tolist().index(label)] for label in predicted]
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(TEXTS), probabilities)


@given(
    st.lists(st.one_of(st.integers(), st.floats(allow_nan=False), st.text(), st.booleans()), min_size=2, unique=True)
)
def test_each_label_has_a_class_name_that_data_keep(labels: list[Any]) -> None:
    names = class_names_of(labels)
    assert len(set(names)) == len(labels) and all(names)
    assert class_of_spelling([set(names)]) == {name: name for name in names}


def test_pairs_of_texts_are_two_columns() -> None:
    frame = pd.DataFrame({"question": TEXTS, "answer": TEXTS[::-1]})
    fitted = FrostlineClassifier(**FAST).fit(frame, LABELS)
    assert fitted.result_.config["dataset"]["text_column"] == ["first", "second"]
    pairs = list(zip(TEXTS, TEXTS[::-1], strict=True))
    assert np.array_equal(fitted.predict_proba(pairs), fitted.predict_proba(frame))


def test_it_is_searched_cross_validated_and_piped() -> None:
    estimator = FrostlineClassifier(**FAST, seed=3)
    scores = cross_val_score(estimator, TEXTS, LABELS, cv=2)
    assert scores.shape == (2,) and scores.mean() > 0.7
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    pipeline = Pipeline([("lower", lower), ("classify", estimator)])
    grid = {"classify__head": ["logistic"], "classify__dataset__max_length": [8, 16]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(TEXTS, LABELS)
    best = search.best_estimator_["classify"]
    assert best.result_.config["dataset"]["max_length"] == search.best_params_["classify__dataset__max_length"]
    assert best.result_.config["seed"] == 3
    assert search.score(TEXTS, LABELS) == np.mean(search.predict(TEXTS) == np.array(LABELS))


def test_parameters_are_those_of_the_config() -> None:
    estimator = FrostlineClassifier(head="mlp", **{"optimizer.lr": 0.01}, seed=2)
    params = {
        "encoder": "bert_tiny",
        "head": "mlp",
        "freezing": "full",
        "folder": None,
        "optimizer__lr": 0.01,
        "seed": 2,
    }
    assert estimator.get_params() == params and clone(estimator).get_params() == params
    assert "optimizer__lr=0.01" in repr(estimator)
    assert estimator.set_params(optimizer__lr=0.1).get_params()["optimizer__lr"] == 0.1


def test_a_folder_keeps_the_run(tmp_path: Path) -> None:
    first = FrostlineClassifier(**FAST, folder=tmp_path / "mine").fit(TEXTS, LABELS)
    again = FrostlineClassifier(**FAST, folder=tmp_path / "mine").fit(TEXTS, LABELS)
    assert (first.result_.how, again.result_.how) == ("trained", "already complete") and first.result_ == again.result_
    assert first.result_.folder.is_relative_to(tmp_path / "mine" / "runs")
    assert np.array_equal(fl.load(first.result_).predict_proba(TEXTS)[:, first._columns], first.predict_proba(TEXTS))


def test_wrong_input_is_an_error() -> None:
    with pytest.raises(UserError, match=r"head.droput: no such key; did you mean head\.dropout"):
        FrostlineClassifier(head__droput=0.1).fit(TEXTS, LABELS)
    for wrong, message in [("a text", "X must be N texts"), ([], "X has 0 texts"), ([1, 2], "contains 1")]:
        with pytest.raises(ValueError, match=message):
            FrostlineClassifier().fit(wrong, LABELS)
    with pytest.raises(ValueError, match="X has 2 texts, but y has 48 labels"):
        FrostlineClassifier().fit(TEXTS[:2], LABELS)
    with pytest.raises(NotFittedError):
        FrostlineClassifier().predict(TEXTS)
