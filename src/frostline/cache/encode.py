"""A pass of the encoder over a whole split, up to a line."""

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
    """In eval mode for as long as this lasts: a run that goes on in the middle of an epoch is in training already."""
    before = [(module, module.training) for part in parts for module in part.modules()]
    for part in parts:
        part.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


class EncodedTexts(NamedTuple):
    """Some texts' states end to end: rows (B,), lengths (B,), numbers (sum of lengths, D)."""

    rows: Indices
    lengths: Indices
    numbers: Tensor


class InMemoryStates:
    """What is kept for the time of a run: (N, n, D), n alike for all texts."""

    def __init__(self, line: CachePoint, numbers: Tensor) -> None:
        self.line, self.numbers = line, numbers

    def rows(self, index: Indices) -> Tensor | None:
        return self.numbers[torch.from_numpy(index)]


class EncoderPass:
    """Of one rank, whose batches do not depend on how many there are; `lower` gives the states that it begins with."""

    def __init__(self, model: Model, runtime: Runtime, line: CachePoint, lower: StateSource | None = None) -> None:
        self.model, self.runtime, self.line, self.lower = model, runtime, line, lower

    def parts(self, tokens: Tokens, what: str, done: int = 0) -> Iterator[EncodedTexts]:
        """All but the first `done` batches of this rank."""
        model, ranks = self.model, self.runtime.ranks
        every = reading_order(tokens.lengths, BATCH)
        mine = every[self.runtime.rank :: ranks]
        with eval_mode(model.encoder, model.pooler), Progress(f"encoding {what}", sum(map(len, mine))) as bar:
            for place, rows in enumerate(mine):
                if place >= done:
                    yield self._part(tokens, rows)
                bar.update(len(rows))
            if model.sharded and len(mine) * ranks < len(every):
                self._part(tokens, np.arange(1))  # the others gather

    @torch.no_grad()
    def _part(self, tokens: Tokens, rows: Indices) -> EncodedTexts:
        ids, mask = (part.to(self.runtime.device) for part in tokens.padded(rows))
        with self.runtime.autocast():
            found = self._states(ids, mask, rows)
        if self.line.by_token:
            return EncodedTexts(rows, mask.sum(dim=1).cpu().numpy(), found[mask.bool()].float().cpu())
        return EncodedTexts(rows, np.full(len(rows), found.shape[1]), found.flatten(0, 1).float().cpu())

    def _states(self, ids: Tensor, mask: Tensor, rows: Indices) -> Tensor:
        """(B, n, D)."""
        kept = None if self.lower is None else self.lower.rows(rows)
        if self.lower is None or kept is None:
            self.model.texts_encoded += len(rows)
            return self._from_tokens(ids, mask)
        self.model.texts_from_store += len(rows)
        with self.model.partial_forward.replace_lower_layers(self.lower.line.layers, kept.to(ids.device)):
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

    def in_memory(self, tokens: Tokens, what: str) -> InMemoryStates:
        """Of all ranks, on each. A collective call."""
        found: Tensor | None = None
        for part in self.parts(tokens, what):
            states = part.numbers.view(len(part.rows), -1, part.numbers.shape[1])
            found = states.new_zeros(len(tokens), *states.shape[1:]) if found is None else found
            found[torch.from_numpy(part.rows)] = states
        return InMemoryStates(self.line, self._whole(found, len(tokens)))

    def _whole(self, found: Tensor | None, texts: int) -> Tensor:
        device, ranks = self.runtime.device, self.runtime.ranks
        if ranks == 1:
            assert found is not None
            return found
        shape = torch.tensor([0, 0] if found is None else found.shape[1:], device=device)
        dist.all_reduce(shape, op=dist.ReduceOp.MAX)
        whole = (torch.zeros(texts, *shape.tolist()) if found is None else found).to(device)
        dist.all_reduce(whole)
        return whole.cpu()
