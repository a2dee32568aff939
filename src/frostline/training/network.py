"""Encoder, pooler and head as one module: from a batch to logits, begun wherever the batch's states were kept."""

from __future__ import annotations

import lightning.pytorch as pl
from torch import Tensor, nn

from frostline.data.loader import Batch
from frostline.models.interfaces import LayerMixing, LayerStacking, Outputs, PromptHead
from frostline.models.partial_forward import PartialForward


def vectors(encoder: nn.Module, pooler: nn.Module, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """input_ids and attention_mask (B, T) -> pooled vectors (B, D)."""
    every = {"every_layer": True} if isinstance(pooler, LayerMixing) else {}
    states = encoder(input_ids, attention_mask, **every)
    found: Tensor = pooler(states, attention_mask)
    return found


class Network(pl.LightningModule):
    """Knows what a step is; counts the texts that steps read, that the encoder read, and whose states were kept."""

    def __init__(self, encoder: nn.Module, pooler: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.pooler, self.head = encoder, pooler, head
        self.bypass = PartialForward(encoder)
        self.part = 0  # of the batch, that is being read
        self.shared_out = False  # each rank holds a share of every parameter
        self.standing = 0  # 0: its weights are those that training moves; else which others stand in their place
        self.texts_read = 0
        self.texts_encoded = 0
        self.texts_from_store = 0

    @property
    def parts(self) -> int:
        """In how many a rank reads its share of a batch."""
        return int(self.trainer.accumulate_grad_batches)

    @property
    def steps_an_epoch(self) -> int:
        return int(self.trainer.num_training_batches) // self.parts

    def completes_step(self, part: int) -> bool:
        """Whether the optimizer steps after the part with this place in its batch or in the epoch."""
        return (part + 1) % self.parts == 0

    def vectors(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """input_ids and attention_mask (B, T) -> pooled vectors (B, D)."""
        return vectors(self.encoder, self.pooler, input_ids, attention_mask)

    def outputs(self, batch: Batch) -> Outputs:
        """A batch of tokens, or of what was kept of them -> logits (B, C) and the vectors (B, D) behind them."""
        self.texts_read += len(batch["kept"] if "kept" in batch else batch["input_ids"])
        if "kept" in batch:
            self.texts_from_store += len(batch["kept"])
        else:
            self.texts_encoded += len(batch["input_ids"])
            if isinstance(self.head, PromptHead):
                return self.head.forward_prompt(self.encoder, batch["input_ids"], batch["attention_mask"])
        found = self._vectors(batch)
        return Outputs(self.head(found), found)

    def _vectors(self, batch: Batch) -> Tensor:
        """From the line on at which the batch was kept."""
        if "kept" not in batch:
            return self.vectors(batch["input_ids"], batch["attention_mask"])
        states, line = batch["kept"], batch["line"]
        if line.kept == "vectors":
            return states[:, 0]
        if line.kept == "stack":
            assert isinstance(self.pooler, LayerStacking)
            return self.pooler.mix(states.transpose(0, 1))
        if line.kept == "output":
            found: Tensor = self.pooler(states, batch["attention_mask"])
            return found
        with self.bypass.fed(line.layers, states):
            return self.vectors(batch["input_ids"], batch["attention_mask"])

    def forward(self, batch: Batch) -> Tensor:
        """A batch of tokens, or of what was kept of them -> logits (B, C)."""
        return self.outputs(batch).logits
