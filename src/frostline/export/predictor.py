"""Predictions of a trained model for any number of texts, in windows of bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from frostline.data.batches import Indices, reading_order
from frostline.data.corpus import Split, Text
from frostline.data.tokens import Tokens, tokenize_split
from frostline.errors import user_error
from frostline.models.interfaces import PromptHead, StatesHead
from frostline.models.trained import TrainedModel
from frostline.training.trainer import choose_accelerator

BATCH = {"cpu": 64, "cuda": 256}  # texts
WINDOW = 64  # batches whose texts are sorted by length together

Floats = NDArray[np.float32]


class TextPredictions(NamedTuple):
    """TextPredictions for N texts, in their order.

    probabilities: (N, C). vectors: the pooled vectors (N, D), if they were asked for. truncated: the number of texts
    that are longer than the model reads.
    """

    probabilities: Floats
    vectors: Floats | None
    truncated: int


class Predictor:
    """Predicts classes, class probabilities and embeddings with a trained model.

    Texts are strings, or pairs of strings for a model that was trained on pairs. Any iterable is read in windows of
    `window` texts, whose batches are sorted by length, so that memory does not grow with the number of texts.

    Args:
        trained: the model, which is moved to the device and frozen.
        accelerator: auto (a CUDA GPU if there is one), cpu or gpu; by default that of the run.
        batch_size: number of texts in a batch; by default 64, on a GPU 256.

    Raises:
        UserError: the accelerator is gpu, and there is none.
    """

    def __init__(self, trained: TrainedModel, accelerator: str | None = None, batch_size: int | None = None) -> None:
        trainer = trained.config["trainer"]
        self.trained, self.model = trained, trained.model
        self.device = torch.device(choose_accelerator(accelerator or trainer["accelerator"]))
        self.batch_size = batch_size or BATCH[self.device.type]
        self.window = WINDOW * self.batch_size
        self.precision: str = trainer["precision"]
        self.model.eval().requires_grad_(False).to(self.device)

    @property
    def classes(self) -> Sequence[str]:
        """Return the names of the classes, in the order of the probabilities."""
        return self.trained.classes

    @property
    def thresholds(self) -> Sequence[float] | None:
        """Return the probability from which on each class is predicted, for multi-label data."""
        return self.trained.thresholds

    @property
    def has_vectors(self) -> bool:
        """Return whether the head reads pooled vectors, not prompts of its own or the states of all tokens."""
        return not isinstance(self.model.head, PromptHead | StatesHead)

    def predict_proba(self, texts: Iterable[Text]) -> Floats:
        """Return the class probabilities (N, C) of N texts, float32."""
        windows = [window.probabilities for window in self.stream(texts)]
        return np.concatenate([np.empty((0, len(self.classes)), np.float32), *windows])

    def predict(self, texts: Iterable[Text]) -> list[str] | list[list[str]]:
        """Return the predicted class of each text; for multi-label data the list of its classes."""
        return class_names(self.predict_proba(texts), self.classes, self.trained.thresholds)

    def encode(self, texts: Iterable[Text]) -> Floats:
        """Return the pooled vectors (N, D) of N texts, float32, which the head reads.

        Raises:
            UserError: the head reads no vectors.
        """
        self.check_has_vectors()
        width: Any = self.model.encoder.width
        windows = [window.vectors for window in self.stream(texts, vectors=True) if window.vectors is not None]
        return np.concatenate([np.empty((0, int(width)), np.float32), *windows])

    def check_has_vectors(self) -> None:
        """Raise UserError if the model has no pooled vectors."""
        if not self.has_vectors:
            what = "reads no pooled vectors of texts"
            raise user_error(f"{self.trained.folder.path}: head", what, "choose a run whose head reads vectors")

    def stream(self, texts: Iterable[Text], vectors: bool = False) -> Iterator[TextPredictions]:
        """Yield the predictions of each window of texts."""
        remaining = iter(texts)
        while window := list(islice(remaining, self.window)):
            yield self.predict_window(window, vectors)

    def predict_window(self, texts: Sequence[Text], vectors: bool = False) -> TextPredictions:
        """Return the predictions for texts, all of which are tokenized together.

        vectors: return the pooled vectors, too.

        Raises:
            UserError: the tokenizer knows no character of a text, and adds no special tokens.
        """
        tokens = self.tokenize(texts)
        outputs = [(rows, *self._predict_batch(tokens, rows, vectors)) for rows in self.batches(tokens)]
        probabilities = in_order([(rows, values) for rows, values, _ in outputs])
        pooled = in_order([(rows, values) for rows, _, values in outputs if values is not None]) if vectors else None
        return TextPredictions(probabilities, pooled, truncated_texts(tokens))

    def tokenize(self, texts: Sequence[Text]) -> Tokens:
        """Return the token ids of texts, or of their prompts."""
        split = Split(list(texts), [0] * len(texts))
        encoder: Any = self.model.encoder
        length = self.trained.max_length
        return tokenize_split(split, self.model.tokenize, length, encoder.pad_id, "texts", progress=False)

    def batches(self, tokens: Tokens) -> list[Indices]:
        """Return the rows of each batch: the longest texts first."""
        return reading_order(tokens.lengths, self.batch_size)

    @torch.no_grad()
    def pooled(self, tokens: Tokens, rows: Indices) -> Tensor:
        """Return the pooled vectors (B, D) of a batch, on the device."""
        ids, mask = (tensor.to(self.device) for tensor in tokens.padded(rows))
        with self.autocast():
            return self.model.vectors(ids, mask)

    @torch.no_grad()
    def head_probabilities(self, vectors: Tensor) -> Tensor:
        """Return the class probabilities (B, C) of pooled vectors (B, D)."""
        with self.autocast():
            logits = self.model.head(vectors)
        return self.trained.probabilities(logits)

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of a forward pass in the precision of the run."""
        if self.precision == "32-true":
            return nullcontext()
        is_half = self.precision == "16-mixed" and self.device.type == "cuda"  # the CPU has bf16 alone
        return torch.autocast(self.device.type, torch.float16 if is_half else torch.bfloat16)

    def _predict_batch(self, tokens: Tokens, rows: Indices, vectors: bool) -> tuple[Tensor, Tensor | None]:
        if self.has_vectors:
            pooled = self.pooled(tokens, rows)
            return self.head_probabilities(pooled), pooled if vectors else None
        return self._poolerless_probabilities(tokens, rows), None

    @torch.no_grad()
    def _poolerless_probabilities(self, tokens: Tokens, rows: Indices) -> Tensor:
        ids, mask = (tensor.to(self.device) for tensor in tokens.padded(rows))
        batch: Any = {"input_ids": ids, "attention_mask": mask}  # the model reads nothing else of tokens
        with self.autocast():
            logits = self.model(batch)
        return self.trained.probabilities(logits)


def class_names(
    probabilities: Floats, classes: Sequence[str], thresholds: Sequence[float] | None
) -> list[str] | list[list[str]]:
    """Return the predicted class of each row of `probabilities` (N, C), or with thresholds the list of its classes."""
    if thresholds is None:
        return [classes[index] for index in probabilities.argmax(axis=1)]
    predicted = probabilities.astype(np.float64) >= np.asarray(thresholds)
    return [[name for name, is_predicted in zip(classes, row, strict=True) if is_predicted] for row in predicted]


def in_order(batches: Sequence[tuple[Indices, Tensor]]) -> Floats:
    """Return the values (N, ...) of batches in the order of their rows, in float32 on the CPU."""
    rows = np.concatenate([rows for rows, _ in batches])
    values = torch.cat([values for _, values in batches]).float().cpu().numpy()
    ordered = np.empty_like(values)
    ordered[rows] = values
    return ordered


def truncated_texts(tokens: Tokens) -> int:
    """Return the number of texts that are truncated; 0 if the tokenizer does not report it."""
    return 0 if tokens.counts is None else int((tokens.counts.cut > 0).sum())
