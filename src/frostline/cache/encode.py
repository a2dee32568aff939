"""A pass of the encoder over a whole split, up to a cache point."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from frostline.console import Progress
from frostline.data.batches import Indices, reading_order
from frostline.data.loader import StateSource
from frostline.data.tokens import Tokens
from frostline.freezing.frost_line import CachePoint
from frostline.models.interfaces import LayerStacking
from frostline.models.model import Model

BATCH = 64


@dataclass(frozen=True)
class Runtime:
    """Where and how this process runs a model: its device, its precision, and its rank among `ranks` processes.

    autocast: returns the context of a forward pass in this precision.
    """

    device: torch.device
    precision: str
    autocast: Callable[[], AbstractContextManager[Any]]
    rank: int = 0
    ranks: int = 1


@contextlib.contextmanager
def eval_mode(*parts: nn.Module) -> Iterator[None]:
    """Put modules in eval mode within the context; a run resumed within an epoch is already in training mode."""
    before = [(module, module.training) for part in parts for module in part.modules()]
    for part in parts:
        part.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


class EncodedTexts(NamedTuple):
    """The states of some texts, concatenated: rows (B,), lengths (B,), values (sum of lengths, D)."""

    rows: Indices
    lengths: Indices
    values: Tensor


class InMemoryStates:
    """States that are cached in memory for the time of a run: values (N, n, D), with the same n for all texts."""

    def __init__(self, line: CachePoint, values: Tensor) -> None:
        self.line, self.values = line, values

    def rows(self, index: Indices) -> Tensor | None:
        """Return the states (B, n, D) of texts."""
        return self.values[torch.from_numpy(index)]


class EncoderPass:
    """A pass of one rank, whose batches do not depend on the number of ranks.

    lower: the source of cached states from which the pass begins; None begins with tokens.
    """

    def __init__(self, model: Model, runtime: Runtime, line: CachePoint, lower: StateSource | None = None) -> None:
        self.model, self.runtime, self.line, self.lower = model, runtime, line, lower

    def encoded_batches(self, tokens: Tokens, description: str, done: int = 0) -> Iterator[EncodedTexts]:
        """Yield all batches of this rank but the first `done`."""
        model, ranks = self.model, self.runtime.ranks
        batches = reading_order(tokens.lengths, BATCH)
        rank_batches = batches[self.runtime.rank :: ranks]
        texts = sum(map(len, rank_batches))
        with eval_mode(model.encoder, model.pooler), Progress(f"encoding {description}", texts) as bar:
            for index, rows in enumerate(rank_batches):
                if index >= done:
                    yield self._encode_batch(tokens, rows)
                bar.update(len(rows))
            if model.sharded and len(rank_batches) * ranks < len(batches):
                self._encode_batch(tokens, np.arange(1))  # takes part in the all-gathers of the ranks with one more

    @torch.no_grad()
    def _encode_batch(self, tokens: Tokens, rows: Indices) -> EncodedTexts:
        ids, mask = (tensor.to(self.runtime.device) for tensor in tokens.padded(rows))
        with self.runtime.autocast():
            states = self._states(ids, mask, rows)
        if self.line.by_token:
            return EncodedTexts(rows, mask.sum(dim=1).cpu().numpy(), states[mask.bool()].float().cpu())
        return EncodedTexts(rows, np.full(len(rows), states.shape[1]), states.flatten(0, 1).float().cpu())

    def _states(self, ids: Tensor, mask: Tensor, rows: Indices) -> Tensor:
        """Return the states (B, n, D) of texts, from cached states where there are any."""
        cached = None if self.lower is None else self.lower.rows(rows)
        if self.lower is None or cached is None:
            self.model.texts_encoded += len(rows)
            return self._from_tokens(ids, mask)
        self.model.texts_from_store += len(rows)
        with self.model.partial_forward.replace_lower_layers(self.lower.line.layers, cached.to(ids.device)):
            return self._from_tokens(ids, mask)

    def _from_tokens(self, ids: Tensor, mask: Tensor) -> Tensor:
        model, line = self.model, self.line
        if line.kind == "states":
            return model.partial_forward.states(line.layers, ids, mask)
        if line.kind == "output":
            states: Tensor = model.encoder(ids, mask)
            return states
        if line.kind == "stack":
            assert isinstance(model.pooler, LayerStacking)
            return model.pooler.stack(model.encoder(ids, mask, every_layer=True), mask).transpose(0, 1)
        return model.vectors(ids, mask)[:, None]

    def in_memory(self, tokens: Tokens, description: str) -> InMemoryStates:
        """Return the states of all ranks on each of them. A collective call."""
        states: Tensor | None = None
        for batch in self.encoded_batches(tokens, description):
            values = batch.values.view(len(batch.rows), -1, batch.values.shape[1])
            states = values.new_zeros(len(tokens), *values.shape[1:]) if states is None else states
            states[torch.from_numpy(batch.rows)] = values
        return InMemoryStates(self.line, self._sum_over_ranks(states, len(tokens)))

    def _sum_over_ranks(self, states: Tensor | None, texts: int) -> Tensor:
        """Sum the states over ranks; each text is nonzero on one rank. states: None on a rank without a batch."""
        device, ranks = self.runtime.device, self.runtime.ranks
        if ranks == 1:
            assert states is not None
            return states
        shape = torch.tensor([0, 0] if states is None else states.shape[1:], device=device)
        dist.all_reduce(shape, op=dist.ReduceOp.MAX)
        full = (torch.zeros(texts, *shape.tolist()) if states is None else states).to(device)
        dist.all_reduce(full)
        return full.cpu()
