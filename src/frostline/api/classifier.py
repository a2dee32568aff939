"""A classifier with the interface of scikit-learn's estimators; each fit is a run of the command."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import check_is_fitted, column_or_1d

from frostline.api.loaded_model import LoadedModel, load
from frostline.api.runs import run
from frostline.data.corpus import Text
from frostline.data.label_names import class_of_spelling
from frostline.results.result import Result

TEXT_COLUMNS, PAIR_COLUMNS, LABEL_COLUMN = ("text",), ("first", "second"), "label"
FEW_TESTED = 0.01  # dataset.test_share: a run has a test set, of which every class has at least one text
DEFAULTS = {"logger": "csv", "dataset__test_share": FEW_TESTED}


class FrostlineClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A text classifier: an encoder and a head, trained with a freezing strategy.

    X is a list, an array or a Series of N strings; for pairs of texts, N pairs or two columns. y are N labels of any
    type that can be sorted. `fit` cuts 10% of the texts for validation, which selects the best epoch
    (dataset__val_share), and 1%, at least one text of each class, as the test set that a run has (dataset__test_share);
    so each class needs three texts.

    Args:
        encoder, head, freezing: choices of the config groups.
        folder: the folder of the data and of the runs, in which a complete run is found again; None: a temporary one.
        overrides: further keys of the config, with two underscores for a dot: seed=2, optimizer__lr=0.01.

    Attributes:
        classes_: the labels, sorted, in the order of the columns of `predict_proba`.
        result_: the result of the run.
        model_: its trained model.
    """

    def __init__(
        self,
        encoder: str = "bert_tiny",
        head: str = "linear",
        freezing: str = "full",
        folder: str | os.PathLike[str] | None = None,
        **overrides: Any,
    ) -> None:
        self.encoder, self.head, self.freezing, self.folder = encoder, head, freezing, folder
        for name, value in overrides.items():
            setattr(self, name.replace(".", "__"), value)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return all parameters, those of `overrides` included."""
        return {name: value for name, value in vars(self).items() if name[0] != "_" and name[-1] != "_"}

    def set_params(self, **params: Any) -> FrostlineClassifier:
        """Set parameters, or keys of the config: set_params(head="mlp", optimizer__lr=0.01)."""
        for name, value in params.items():
            setattr(self, name.replace(".", "__"), value)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array, tags.input_tags.two_d_array, tags.input_tags.string = True, False, True
        return tags

    def fit(self, X: Any, y: Any) -> FrostlineClassifier:  # noqa: N803  # the name that scikit-learn gives it
        """Train on N texts and their labels.

        Raises:
            ValueError: X are no texts, or y are not as many labels.
            UserError: a parameter is wrong, or a class has too few texts.
            FrostlineError: the run failed.
        """
        texts, labels = _texts(X), column_or_1d(y, warn=True)
        check_classification_targets(labels)
        if len(texts) != len(labels):
            raise ValueError(f"X has {len(texts)} texts, but y has {len(labels)} labels")
        self.classes_: NDArray[Any] = unique_labels(labels)
        if len(self.classes_) == 1:
            raise ValueError("y has 1 class, but a classifier needs two classes or more")
        names = class_names_of(self.classes_.tolist())
        with self._folder() as folder:
            by_label = dict(zip(self.classes_.tolist(), names, strict=True))
            file = _write_table(folder, texts, [by_label[label] for label in labels.tolist()])
            self.result_: Result = run(self._overrides(folder, file, isinstance(texts[0], tuple)))
            self.model_: LoadedModel = load(self.result_)
        self._columns = [self.model_.classes.index(name) for name in names]
        return self

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803  # the name that scikit-learn gives it
        """Return the predicted label of each text (N,)."""
        indices = self.predict_proba(X).argmax(axis=1)
        predicted: NDArray[Any] = self.classes_[indices]
        return predicted

    def predict_proba(self, X: Any) -> NDArray[np.float32]:  # noqa: N803  # the name that scikit-learn gives it
        """Return the probability of each class (N, C), in the order of `classes_`."""
        check_is_fitted(self)
        return self.model_.predict_proba(_texts(X))[:, self._columns]

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """Give the folder of the data and the runs; a temporary one is removed when the model is in memory."""
        if self.folder is not None:
            yield Path(self.folder)
            return
        with tempfile.TemporaryDirectory(prefix="frostline-") as folder:
            yield Path(folder)

    def _overrides(self, folder: Path, file: Path, pairs: bool) -> Mapping[str, Any]:
        given = {name: value for name, value in self.get_params().items() if name != "folder"}
        data = {
            "dataset": "table",
            "dataset.train": file,
            "dataset.text_column": list(PAIR_COLUMNS) if pairs else TEXT_COLUMNS[0],
            "dataset.label_column": LABEL_COLUMN,
            "dataset.multi_label": False,
            "paths.runs": folder / "runs",
        }
        return {name.replace("__", "."): value for name, value in (DEFAULTS | given).items()} | data


def class_names_of(labels: Sequence[Any]) -> list[str]:
    """Return a class name for each label: its text, or "class 0" and so on where two labels would have one name."""
    names = [str(label).strip() for label in labels]
    known = class_of_spelling([set(names)])
    canonical = [known[name] for name in names]
    if all(canonical) and len(set(canonical)) == len(labels):
        return canonical
    return [f"class {index}" for index in range(len(labels))]


def _texts(X: Any) -> list[Text]:  # noqa: N803  # the name that scikit-learn gives it
    """Return X as strings, or as pairs of strings.

    Raises:
        ValueError: they are neither.
    """
    values = X.to_numpy() if hasattr(X, "to_numpy") else X
    if isinstance(values, str) or (np.ndim(values) == 0 and not isinstance(values, Sequence)):
        raise ValueError(f"X must be N texts, but it is {type(X).__name__}")
    texts = [_text(value) for value in values]
    if not texts:
        raise ValueError("X has 0 texts, but at least one is needed")
    if len({isinstance(text, str) for text in texts}) > 1:
        raise ValueError("X has single texts and pairs of texts")
    return texts


def _text(value: Any) -> Text:
    if isinstance(value, str):
        return str(value)  # a string of numpy becomes one of Python
    parts = list(value) if isinstance(value, list | tuple | np.ndarray) and np.ndim(value) else []
    if len(parts) == 1 and isinstance(parts[0], str):
        return str(parts[0])
    if len(parts) == 2 and all(isinstance(part, str) for part in parts):
        return str(parts[0]), str(parts[1])
    raise ValueError(f"X must be N texts or pairs of texts, but it contains {value!r}")


def _write_table(folder: Path, texts: Sequence[Text], names: Sequence[str]) -> Path:
    """Write texts and class names to a parquet file that is named by its content, and return the file."""
    rows = [(text,) if isinstance(text, str) else text for text in texts]
    titles = TEXT_COLUMNS if isinstance(texts[0], str) else PAIR_COLUMNS
    columns = {title: list(cells) for title, cells in zip(titles, zip(*rows, strict=True), strict=True)}
    columns[LABEL_COLUMN] = list(names)
    digest = hashlib.sha256(repr(columns).encode(errors="surrogatepass")).hexdigest()[:12]
    file = folder / f"texts-{digest}.parquet"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}")
        pq.write_table(pa.table(columns), part)
        part.replace(file)
    return file
