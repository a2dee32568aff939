"""Encoder, pooler and head as one module: from a batch of tokens, or of cached states, to logits."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor, nn

from frostline.data.loader import Batch
from frostline.data.tokens import Tokenize
from frostline.models.interfaces import (
    CountingTokenizer,
    LayerMixing,
    LayerStacking,
    Outputs,
    PromptHead,
    StatesHead,
)
from frostline.models.partial_forward import PartialForward
from frostline.models.task_heads import TaskHeads


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
        """Return the logits (B, C) of a batch, and the vectors (B, D) if the head has read them."""
        self._count_texts(batch)
        if isinstance(self.head, PromptHead) and "cached" not in batch:
            return self.head.forward_prompt(self.encoder, batch["input_ids"], batch["attention_mask"])
        if isinstance(self.head, StatesHead):
            states = self._batch_states(batch)
            return Outputs(self.head.forward_states(states, batch["input_ids"], batch["attention_mask"]), None)
        vectors = self._batch_vectors(batch)
        labels = (batch["labels"],) if isinstance(self.head, TaskHeads) else ()
        return Outputs(self.head(vectors, *labels), vectors)

    def _count_texts(self, batch: Batch) -> None:
        if "cached" in batch:
            self.texts_read += len(batch["cached"])
            self.texts_from_store += len(batch["cached"])
        else:
            self.texts_read += len(batch["input_ids"])
            self.texts_encoded += len(batch["input_ids"])

    def _batch_states(self, batch: Batch) -> Tensor:
        """Return the token states (B, T, D), computed from the point at which the states of the batch were cached."""
        if "cached" in batch and batch["line"].kind == "output":
            return batch["cached"]
        with self._begin_at_cached_states(batch):
            states: Tensor = self.encoder(batch["input_ids"], batch["attention_mask"])
        return states

    def _begin_at_cached_states(self, batch: Batch) -> AbstractContextManager[None]:
        """Return a context in which the encoder begins at the cached states of the batch, if there are any."""
        if "cached" not in batch:
            return nullcontext()
        return self.partial_forward.replace_lower_layers(batch["line"].layers, batch["cached"])

    def _batch_vectors(self, batch: Batch) -> Tensor:
        """Return the pooled vectors (B, D), computed from the point at which the states of the batch were cached."""
        kind = batch["line"].kind if "cached" in batch else None
        if kind == "vectors":
            return batch["cached"][:, 0]
        if kind == "stack":
            assert isinstance(self.pooler, LayerStacking)
            return self.pooler.mix(batch["cached"].transpose(0, 1))
        if kind == "output":
            vectors: Tensor = self.pooler(batch["cached"], batch["attention_mask"])
            return vectors
        with self._begin_at_cached_states(batch):
            return self.vectors(batch["input_ids"], batch["attention_mask"])

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits (B, C) of a batch."""
        return self.outputs(batch).logits
