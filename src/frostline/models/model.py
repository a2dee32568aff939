"""Encoder, pooler and head as one module: from a batch of tokens, or of cached states, to logits."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from frostline.data.loader import Batch
from frostline.data.tokens import Tokenize
from frostline.models.interfaces import CountingTokenizer, LayerMixing, LayerStacking, Outputs, PromptHead
from frostline.models.partial_forward import PartialForward


def pooled_vectors(encoder: nn.Module, pooler: nn.Module, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """Return the pooled vectors (B, D) of texts given as input_ids and attention_mask (B, T)."""
    every_layer = {"every_layer": True} if isinstance(pooler, LayerMixing) else {}
    states = encoder(input_ids, attention_mask, **every_layer)
    vectors: Tensor = pooler(states, attention_mask)
    return vectors


class Model(nn.Module):
    """Encoder, pooler and head, with counters of the texts that have passed through.

    Shapes: B texts, T tokens, D width, C classes.

    Attributes:
        sharded: whether each rank has only a shard of every parameter (FSDP2).
        weights_id: 0 while the weights are those that training updates. Averaged or interpolated weights that take
            their place for a time have another number.
        texts_read: texts of all batches.
        texts_encoded: texts whose tokens the encoder has read.
        texts_from_store: texts whose states came from the cache.
    """

    def __init__(self, encoder: nn.Module, pooler: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.pooler, self.head = encoder, pooler, head
        self.partial_forward = PartialForward(encoder)
        self.sharded = False
        self.weights_id = 0
        self.texts_read = 0
        self.texts_encoded = 0
        self.texts_from_store = 0

    @property
    def tokenize(self) -> Tokenize:
        """What tokenizes texts: the head if it writes prompts, else the encoder. It counts tokens if it can."""
        part: Any = self.head if isinstance(self.head, PromptHead) else self.encoder
        tokenize: Tokenize = part.tokenize_and_count if isinstance(part, CountingTokenizer) else part.tokenize
        return tokenize

    def vectors(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the pooled vectors (B, D) of texts given as input_ids and attention_mask (B, T)."""
        return pooled_vectors(self.encoder, self.pooler, input_ids, attention_mask)

    def outputs(self, batch: Batch) -> Outputs:
        """Return the logits (B, C) of a batch and the vectors (B, D) that the head has read."""
        self._count_texts(batch)
        if isinstance(self.head, PromptHead) and "cached" not in batch:
            return self.head.forward_prompt(self.encoder, batch["input_ids"], batch["attention_mask"])
        vectors = self._batch_vectors(batch)
        return Outputs(self.head(vectors), vectors)

    def _count_texts(self, batch: Batch) -> None:
        if "cached" in batch:
            self.texts_read += len(batch["cached"])
            self.texts_from_store += len(batch["cached"])
        else:
            self.texts_read += len(batch["input_ids"])
            self.texts_encoded += len(batch["input_ids"])

    def _batch_vectors(self, batch: Batch) -> Tensor:
        """Return the pooled vectors (B, D), computed from the point at which the states of the batch were cached."""
        if "cached" not in batch:
            return self.vectors(batch["input_ids"], batch["attention_mask"])
        states, point = batch["cached"], batch["line"]
        if point.kind == "vectors":
            return states[:, 0]
        if point.kind == "stack":
            assert isinstance(self.pooler, LayerStacking)
            return self.pooler.mix(states.transpose(0, 1))
        if point.kind == "output":
            vectors: Tensor = self.pooler(states, batch["attention_mask"])
            return vectors
        with self.partial_forward.replace_lower_layers(point.layers, states):
            return self.vectors(batch["input_ids"], batch["attention_mask"])

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits (B, C) of a batch."""
        return self.outputs(batch).logits
