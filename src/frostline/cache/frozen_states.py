"""What lies below the frost line, computed once: kept in the store, or for the run's time in memory, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from frostline.cache.encode import EncoderPass, Runtime, eval_mode
from frostline.cache.estimate import Estimate, jobs_in_sweep
from frostline.cache.keys import CacheKeys
from frostline.cache.shared_store import SharedCache
from frostline.console import log
from frostline.data.loader import StateSource
from frostline.data.tokens import Tokens
from frostline.distributed.collectives import all_gather
from frostline.freezing.frost_line import CachePoint, blocks_up_to, cache_point_above, frozen_blocks
from frostline.freezing.plan import Block, Plan
from frostline.models.interfaces import LayerMixing, LayerStacking, PromptHead
from frostline.models.model import Model

TEXTS_TRIED = 8  # texts on which it is tried whether an encoder can begin at a line


class CurrentPhase(Protocol):
    """The plan of a run and the index of the phase that it is in."""

    plan: Plan
    index: int


class FrozenStates:
    """Gives each split's states at the line of the present phase; forgets them when something below has learned since.

    name: the encoder's, for people. All calls are collective.
    """

    def __init__(
        self,
        model: Model,
        current: CurrentPhase,
        keep: SharedCache,
        origin: CacheKeys,
        runtime: Runtime,
        name: str,
    ) -> None:
        self.model, self.current, self.runtime = model, current, runtime
        self.keep, self.origin, self.name = keep, origin, name
        self.sources: dict[str, tuple[Any, StateSource | None]] = {}
        self.tried: dict[int, str | None] = {}

    def of(self, split: str, tokens: Tokens, uses: int = 1) -> StateSource | None:
        """What is kept of a split in the present phase; None where its texts must be read as tokens.

        uses: how often the run will go through the split before the phase ends.
        """
        plan = self.current.plan
        below, above = frozen_blocks(plan, plan.phases[self.current.index])
        pooler = self.model.pooler
        line = cache_point_above(below, above, isinstance(pooler, LayerMixing), isinstance(pooler, LayerStacking))
        if line is None or isinstance(self.model.head, PromptHead) or (line.by_token and self.model.sharded):
            return None
        now = (line, self._changes(below), self.model.weights_id if any(self._changes(below)) else 0)
        if self.sources.get(split, (None,))[0] != now:
            self.sources[split] = (None, None)  # what it held may go before more comes
            self.sources[split] = (now, self._source(split, tokens, line, below, uses * jobs_in_sweep()))
        return self.sources[split][1]

    def vectors(self, split: str, tokens: Tokens) -> Tensor:
        """The pooled vectors (N, D) of a split as the encoder is now, also where it learns."""
        source = self.of(split, tokens)
        if source is None or source.line.kind != "vectors":
            source = EncoderPass(self.model, self.runtime, CachePoint("vectors")).in_memory(tokens, split)
        found = source.rows(np.arange(len(tokens)))
        assert found is not None
        return found[:, 0]

    def _changes(self, blocks: Sequence[Block]) -> tuple[int, ...]:
        """In how many earlier phases something of each block has learned."""
        earlier = self.current.plan.phases[: self.current.index]
        return tuple(sum(any(phase.trains(p.name) for p in block.parameters) for phase in earlier) for block in blocks)

    # Where it is kept

    def _source(
        self, split: str, tokens: Tokens, line: CachePoint, below: Sequence[Block], uses: int
    ) -> StateSource | None:
        if line.by_token and (why := self._unable(tokens, line)) is not None:
            log(f"frost line: {split} is read anew in each epoch: {why}")
            return None
        if self._passes(below):
            return None if line.by_token else EncoderPass(self.model, self.runtime, line).in_memory(tokens, split)
        key = self.origin.key(line, below, tokens, self.keep.cache.dtype)
        if (found := self.keep.opened(key, line)) is not None:
            log(f"frost line: {split} is in the store, {self._told(line)}")
            return found
        if self._pays(split, tokens, line, below, uses):
            found = self.keep.filled(key, self._encoding(line, below, tokens), tokens, split, self._shown(split, line))
        if found is None and not line.by_token:
            found = EncoderPass(self.model, self.runtime, line).in_memory(tokens, split)
        return found

    def _passes(self, below: Sequence[Block]) -> bool:
        """Whether what is computed is of no use to another run, or cannot be told from what it follows."""
        averaged = bool(self.model.weights_id) and any(self._changes(below))
        return self.keep.cache.mode == "off" or self.model.sharded or averaged or not self.origin.known

    def _pays(self, split: str, tokens: Tokens, line: CachePoint, below: Sequence[Block], uses: int) -> bool:
        """One vector a text is next to nothing; token states are many, and must save more than they cost."""
        encoder: Any = self.model.encoder  # known by its role alone
        cache = self.keep.cache
        size = np.dtype(cache.dtype).itemsize * int(encoder.width)
        if not line.by_token:
            stacked = int(encoder.layers) + 1 if line.kind == "stack" else 1
            return self._has_room(len(tokens) * stacked * size)
        read = 2 * sum(p.size for block in below if block.kind == "layer" for p in block.parameters)
        estimate = Estimate(len(tokens.ids) * size, read * len(tokens.ids), self.runtime.device.type, uses)
        if not (cache.mode == "on" or estimate.pays) or not self._has_room(estimate.bytes):
            if estimate.pays:
                log(f"frost line: {split} is not kept, there is no room for it in the store: {estimate}")
            return False
        log(f"frost line: {split} is kept {self._told(line)}: {estimate}")
        return True

    def _has_room(self, size: int) -> bool:
        """The first rank makes it, and decides."""
        try:
            found = self.keep.rank > 0 or self.keep.shelf.make_room(size)
        except OSError:  # told when it comes to writing
            found = True
        return all_gather(found, self.runtime.ranks)[0]

    def _told(self, line: CachePoint) -> str:
        where = {"vectors": "as vectors", "stack": "as vectors of every layer", "output": "after the last layer"}
        return where.get(line.kind, f"after {line.layers} layers")

    def _shown(self, split: str, line: CachePoint) -> dict[str, Any]:
        """What people see of an entry."""
        return {"encoder": self.name, "split": split, "line": self._told(line)}

    # How it is computed

    def _encoding(self, line: CachePoint, below: Sequence[Block], tokens: Tokens) -> EncoderPass:
        """From the highest states that are there already."""
        highest = (line.layers or len(self.model.partial_forward.layers) + 1) - 1
        for count in range(highest, 0, -1) if line.kind != "stack" else ():
            lower = CachePoint("states", count)
            key = self.origin.key(lower, blocks_up_to(below, count), tokens, self.keep.cache.dtype)
            found = self.keep.opened(key, lower)
            if found is not None and self._unable(tokens, lower) is None:
                return EncoderPass(self.model, self.runtime, line, found)
        return EncoderPass(self.model, self.runtime, line)

    @torch.no_grad()
    def _unable(self, tokens: Tokens, line: CachePoint) -> str | None:
        """Why the encoder cannot begin there; tried once, on a few short and long texts."""
        if line.layers and line.layers not in self.tried:
            order = np.argsort(tokens.lengths, kind="stable")
            rows = np.unique(order[np.linspace(0, len(order) - 1, TEXTS_TRIED).astype(int)])
            ids, mask = (part.to(self.runtime.device) for part in tokens.padded(rows))
            with eval_mode(self.model.encoder), self.runtime.autocast():
                self.tried[line.layers] = self.model.partial_forward.incompatibility(line.layers, ids, mask)
        return self.tried.get(line.layers)
