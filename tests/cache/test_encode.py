"""A pass of the encoder: the states of each text are those of the text alone, in the order of the split."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from frostline.cache.encode import EncoderPass, eval_mode
from frostline.freezing.frost_line import CachePoint
from frostline.training.build import build
from frostline.training.trainer import attach, make_trainer, runtime_of

WORDS = ["freezing=frozen", "dataset.max_train=96", "dataset.max_val=32", "dataset.max_test=80"]


def test_pooled_vectors_and_states_are_those_of_each_text_alone(job: Any) -> None:
    built = build(job(*WORDS).config)
    trainer = make_trainer(built.settings, built.plan, 1, loggers=False, callbacks=())
    attach(built.classifier, trainer)
    runtime, model, tokens = runtime_of(trainer), built.model.train(), built.tokens["test"]
    vectors = EncoderPass(model, runtime, CachePoint("vectors")).in_memory(tokens, "test").values
    by_row = {}
    for batch in EncoderPass(model, runtime, CachePoint("states", 1)).encoded_batches(tokens, "test"):
        by_row |= dict(zip(batch.rows.tolist(), batch.values.split(batch.lengths.tolist()), strict=True))
    assert vectors.shape == (80, 1, 128) and sorted(by_row) == list(range(80))
    assert model.texts_encoded == 160
    assert model.encoder.training and model.pooler.training, "the mode is as before the pass"
    with torch.no_grad(), eval_mode(model.encoder, model.pooler):
        for row in (0, 1, 40, 79):
            ids, mask = tokens.padded(np.array([row]))
            assert torch.allclose(vectors[row], model.vectors(ids, mask), atol=1e-5)
            alone = model.partial_forward.states(1, ids, mask)[mask.bool()]
            assert torch.allclose(by_row[row], alone, atol=1e-5)


def test_eval_mode_restores_each_mode_also_after_an_error() -> None:
    training, evaluating = torch.nn.Dropout().train(), torch.nn.Dropout().eval()
    try:
        with eval_mode(training, evaluating):
            assert not training.training and not evaluating.training
            raise KeyError
    except KeyError:
        pass
    assert training.training and not evaluating.training
