"""The trained model of a run, for predictions in Python."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from frostline.console import log
from frostline.data.corpus import Text
from frostline.errors import did_you_mean, user_error
from frostline.export.export import FORMATS, export_model
from frostline.export.load import load_model
from frostline.export.predictor import Floats, Predictor
from frostline.results.home_paths import expand_home
from frostline.results.result import Result


class LoadedModel:
    """The trained model of a complete run.

    Texts are a list or any iterable of strings, or of pairs of strings for a model that was trained on pairs.

    Attributes:
        classes: the names of the classes, in the order of the columns of `predict_proba`.
        result: the result of the run.
    """

    def __init__(self, predictor: Predictor) -> None:
        trained = predictor.trained
        self.predictor = predictor
        self.classes = list(trained.classes)
        self.result = Result(trained.folder.path, trained.result)

    def predict(self, texts: Iterable[Text]) -> list[str] | list[list[str]]:
        """Return the predicted class of each text; for multi-label data the list of its classes."""
        return self.predictor.predict(_checked(texts))

    def predict_proba(self, texts: Iterable[Text]) -> Floats:
        """Return the class probabilities (N, C) of N texts."""
        return self.predictor.predict_proba(_checked(texts))

    def encode(self, texts: Iterable[Text]) -> Floats:
        """Return the pooled vectors (N, D) of N texts, which the head reads.

        Raises:
            UserError: the head reads no vectors.
        """
        return self.predictor.encode(_checked(texts))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.result.folder)!r}, classes={self.classes})"


def load(run: str | os.PathLike[str] | Result, accelerator: str | None = None) -> LoadedModel:
    """Return the trained model of a run, in eval mode.

    Args:
        run: the folder of a complete run, or its result.
        accelerator: auto (a CUDA GPU if there is one), cpu or gpu; by default that of the run.

    Raises:
        UserError: the folder contains no complete run, or what the model needs has changed since the run.
    """
    return LoadedModel(Predictor(load_model(_run_folder(run)), accelerator))


def export(
    run: str | os.PathLike[str] | Result, target: str | os.PathLike[str], format: str = "transformers", **options: Any
) -> Path:
    """Write the trained model of a run to a new folder for another library, and return the folder.

    Args:
        run: the folder of a complete run, or its result.
        target: the new folder.
        format: transformers, sentence-transformers or onnx.
        options: with_head=True: of sentence-transformers, write the head too.

    Raises:
        UserError: the format is unknown or cannot hold the model, or the folder exists or cannot be written.
    """
    if format not in FORMATS:
        raise user_error("format", f"no format is called {format}", did_you_mean(format, list(FORMATS)))
    folder = expand_home(os.fspath(target), "target")
    log(export_model(load_model(_run_folder(run)), folder, format, **options))
    return folder


def _run_folder(run: str | os.PathLike[str] | Result) -> Path:
    return run.folder if isinstance(run, Result) else expand_home(os.fspath(run), "run")


def _checked(texts: Iterable[Text]) -> Iterable[Text]:
    """Refuse a single string, whose characters would be taken for texts."""
    if isinstance(texts, str):
        raise user_error("texts", "is one string", "give a list of texts, such as [text]")
    return texts
