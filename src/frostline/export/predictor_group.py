"""Several models that predict the same texts: those with the same encoder share one pass of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

from frostline.cache.keys import cache_content
from frostline.data.corpus import Text
from frostline.export.predictor import Predictor, TextPredictions, in_order, truncated_texts
from frostline.models.fingerprint import weights_digest
from frostline.models.trained import TrainedModel


class TextModel(Protocol):
    """What predicts classes of texts: the model of a run, or that of a folder of transformers."""

    window: int

    @property
    def classes(self) -> Sequence[str]: ...

    @property
    def thresholds(self) -> Sequence[float] | None: ...

    def predict_window(self, texts: Sequence[Text], vectors: bool = False) -> TextPredictions: ...


class PredictorGroup:
    """Models by the encoder that they share.

    Attributes:
        encoders: for each distinct encoder with its pooler, the indices of the models that have it.
    """

    def __init__(self, models: Sequence[TextModel]) -> None:
        self.models = models
        by_key: dict[str, list[int]] = {}
        for index, model in enumerate(models):
            by_key.setdefault(_encoder_key(model) if len(models) > 1 else "", []).append(index)
        self.encoders = list(by_key.values())
        for first, *others in self.encoders:
            for index in others:  # frees the memory of the equal weights
                trained: Any = models[index]
                shared: Any = models[first]
                trained.model.encoder, trained.model.pooler = shared.model.encoder, shared.model.pooler

    @property
    def window(self) -> int:
        """Return the number of texts that are predicted together."""
        return max(model.window for model in self.models)

    def predict_window(self, texts: Sequence[Text], vectors: bool = False) -> list[TextPredictions]:
        """Return the predictions of each model; vectors: with the pooled vectors of each."""
        predictions: dict[int, TextPredictions] = {}
        for indices in self.encoders:
            models = [self.models[index] for index in indices]
            predictors = [model for model in models if isinstance(model, Predictor)]
            together = (
                _predict_together(predictors, texts, vectors)
                if len(predictors) > 1
                else [models[0].predict_window(texts, vectors)]
            )
            predictions |= dict(zip(indices, together, strict=True))
        return [predictions[index] for index in range(len(self.models))]


def _predict_together(predictors: Sequence[Predictor], texts: Sequence[Text], vectors: bool) -> list[TextPredictions]:
    first = predictors[0]
    tokens = first.tokenize(texts)
    pooled = [(rows, first.pooled(tokens, rows)) for rows in first.batches(tokens)]
    values = in_order(pooled) if vectors else None
    truncated = truncated_texts(tokens)
    heads = [in_order([(rows, each.head_probabilities(states)) for rows, states in pooled]) for each in predictors]
    return [TextPredictions(probabilities, values, truncated) for probabilities in heads]


def _encoder_key(model: TextModel) -> str:
    """Return a text that is equal for models that encode every text equally; unique where that is not known."""
    if not isinstance(model, Predictor) or not model.has_vectors:
        return f"model {id(model)}"
    trained: TrainedModel = model.trained
    content = cache_content(trained.model.encoder, trained.config)
    if content is None:
        return f"model {id(model)}"
    parts = {"encoder": trained.model.encoder, "pooler": trained.model.pooler}
    digests = [weights_digest(part.state_dict()) for part in parts.values()]
    pairs = len(columns) if isinstance(columns := trained.config["dataset"].get("text_column"), list) else 1
    settings = [trained.max_length, model.precision, str(model.device), model.batch_size, pairs]
    return json.dumps([digests, content, settings], sort_keys=True, default=str)
