"""Models for prediction, from the folder of a run or from one that transformers loads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from frostline.data.batches import reading_order
from frostline.data.corpus import Text
from frostline.errors import user_error
from frostline.export.ensemble import EnsemblePredictor, is_ensemble
from frostline.export.load import load_model
from frostline.export.predictor import BATCH, WINDOW, Predictor, TextPredictions, in_order
from frostline.export.predictor_group import TextModel
from frostline.models.encoders.auto_model import quiet_transformers
from frostline.results.atomic_files import read_json
from frostline.training.trainer import choose_accelerator

CODE_KEY = "auto_map"  # in config.json: the folder has a modelling file


def open_model(folder: Path, trust_remote_code: bool = False) -> TextModel:
    """Return the model of a run folder, of an ensemble, or of a folder that AutoModelForSequenceClassification loads.

    Raises:
        UserError: it is neither, or it contains code that must be trusted.
    """
    if is_ensemble(folder):
        return EnsemblePredictor(folder)
    if not (folder / "config.json").exists():
        return Predictor(load_model(folder))
    return TransformersPredictor(folder, trust_remote_code)


class TransformersPredictor:
    """Predicts classes and class probabilities with a folder that AutoModelForSequenceClassification loads.

    `thresholds` and `max_length` of its config.json are used if it has them.

    Args:
        trust_remote_code: run the modelling file in the folder.

    Raises:
        UserError: the folder cannot be loaded, or its modelling file is not trusted.
    """

    def __init__(self, folder: Path, trust_remote_code: bool = False) -> None:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        has_code = bool(read_json(folder / "config.json").get(CODE_KEY))
        if has_code and not trust_remote_code:
            what = "has a modelling file, which is run to load it"
            raise user_error(str(folder), what, "read the file, then give --trust-remote-code")
        try:
            with quiet_transformers():
                options: dict[str, Any] = {"trust_remote_code": True} if has_code else {}
                self.model: Any = AutoModelForSequenceClassification.from_pretrained(folder, **options)
                self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, **options)
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            do = "give the folder of a complete run, or one that frostline export wrote"
            raise user_error(str(folder), f"cannot be loaded ({reason})", do) from error
        self.device = torch.device(choose_accelerator("auto"))
        self.model.eval().requires_grad_(False).to(self.device)
        self.batch_size = BATCH[self.device.type]
        self.window = WINDOW * self.batch_size

    @property
    def classes(self) -> Sequence[str]:
        """Return the names of the classes, in the order of the probabilities."""
        labels = self.model.config.id2label
        return [labels[index] for index in sorted(labels)]

    @property
    def multi_label(self) -> bool:
        """Return whether a text can have several classes."""
        return bool(self.model.config.problem_type == "multi_label_classification")

    @property
    def thresholds(self) -> Sequence[float] | None:
        """Return the probability from which on each class is predicted, for multi-label data: 0.5 by default."""
        if not self.multi_label:
            return None
        return getattr(self.model.config, "thresholds", None) or [0.5] * len(self.classes)

    @torch.no_grad()
    def predict_window(self, texts: Sequence[Text], vectors: bool = False) -> TextPredictions:
        """Return the predictions for texts, without vectors."""
        limit = getattr(self.model.config, "max_length", None)
        limits = {"max_length": int(limit)} if isinstance(limit, int) and limit > 20 else {}
        encoded = self.tokenizer(list(texts), truncation=True, **limits)["input_ids"]
        lengths = [len(row) for row in encoded]
        longest = limits.get("max_length", self.tokenizer.model_max_length)
        outputs = []
        for rows in reading_order(lengths, self.batch_size):
            chosen = [texts[int(row)] for row in rows]
            inputs = self.tokenizer(chosen, truncation=True, padding=True, return_tensors="pt", **limits)
            logits = self.model(**inputs.to(self.device)).logits.float()
            outputs.append((rows, logits.sigmoid() if self.multi_label else logits.softmax(dim=-1)))
        full = [text for text, length in zip(texts, lengths, strict=True) if length >= longest]
        uncut = self.tokenizer(full, verbose=False)["input_ids"] if full else []
        return TextPredictions(in_order(outputs), None, sum(len(row) > longest for row in uncut))
