"""The model of a run: logits from tokens and from cached states, and the texts that it counts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from frostline.freezing.frost_line import CachePoint
from frostline.models.fingerprint import weights_digest
from frostline.models.model import Model, pooled_vectors

T, D, C = 5, 8, 3


class Encoder(nn.Module):
    """Embeddings and two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(11, D)
        self.layers = nn.ModuleList([nn.Linear(D, D), nn.Linear(D, D)])

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states: Tensor = self.embeddings(input_ids)
        for layer in self.layers:
            states = layer(states)
        return states


class FirstToken(nn.Module):
    def forward(self, states: Tensor, attention_mask: Tensor) -> Tensor:
        return states[:, 0]


def model_and_batch() -> tuple[Model, dict[str, Any]]:
    torch.manual_seed(1)
    ids = torch.randint(0, 11, (4, T))
    return Model(Encoder(), FirstToken(), nn.Linear(D, C)), {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def with_states(batch: dict[str, Any], point: CachePoint, states: Tensor) -> Any:
    return batch | {"cached": states, "line": point}


def test_logits_from_cached_states_equal_those_from_tokens() -> None:
    model, batch = model_and_batch()
    expected = model(batch)
    ids, mask = batch["input_ids"], batch["attention_mask"]
    output = with_states(batch, CachePoint("output"), model.encoder(ids, mask))
    vectors = with_states(batch, CachePoint("vectors"), model.vectors(ids, mask)[:, None])
    first_layer = model.encoder.layers[0](model.encoder.embeddings(ids))  # type: ignore[union-attr,operator,index]
    layer = with_states(batch, CachePoint("states", 1), first_layer)
    for cached in (output, vectors, layer):
        assert torch.equal(model(cached), expected)


def test_outputs_have_the_vectors_that_the_head_has_read() -> None:
    model, batch = model_and_batch()
    outputs: Any = model.outputs(batch)  # type: ignore[arg-type]
    vectors = pooled_vectors(model.encoder, model.pooler, batch["input_ids"], batch["attention_mask"])
    assert torch.equal(outputs.vectors, vectors)
    assert torch.equal(outputs.logits, model.head(vectors))


def test_texts_are_counted_by_where_their_states_come_from() -> None:
    model, batch = model_and_batch()
    model(batch)
    model(with_states(batch, CachePoint("vectors"), torch.zeros(4, 1, D)))
    assert (model.texts_read, model.texts_encoded, model.texts_from_store) == (8, 4, 4)


def test_the_digest_of_weights_changes_with_a_name_and_with_a_value() -> None:
    weights = {"a": torch.zeros(3), "b": torch.ones(2)}
    assert weights_digest(weights) == weights_digest(dict(reversed(weights.items())))
    assert weights_digest(weights) != weights_digest({"a": torch.zeros(3), "c": torch.ones(2)})
    assert weights_digest(weights) != weights_digest(weights | {"a": torch.full((3,), 1e-30)})
