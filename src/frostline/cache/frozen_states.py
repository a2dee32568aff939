"""States below the frost line, computed once: cached on disk, in memory for the time of the run, or not at all."""

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
from frostline.models.interfaces import LayerMixing, LayerStacking, PromptHead, StatesHead
from frostline.models.model import Model

TEXTS_TRIED = 8  # texts on which it is tested whether an encoder can begin after a layer


class CurrentPhase(Protocol):
    """The plan of a run and the index of the phase that it is in."""

    plan: Plan
    index: int


class FrozenStates:
    """Provides the states of each split at the cache point of the present phase.

    They are discarded when a block below has been trained since. encoder_name: for messages. All calls are collective.
    """

    def __init__(
        self,
        model: Model,
        current: CurrentPhase,
        shared_cache: SharedCache,
        keys: CacheKeys,
        runtime: Runtime,
        encoder_name: str,
    ) -> None:
        self.model, self.current, self.runtime = model, current, runtime
        self.shared_cache, self.keys, self.encoder_name = shared_cache, keys, encoder_name
        self.sources: dict[str, tuple[Any, StateSource | None]] = {}
        self.incompatibilities: dict[int, str | None] = {}

    def for_split(self, split: str, tokens: Tokens, uses: int = 1) -> StateSource | None:
        """Return the cached states of a split in the present phase; None if its texts must be read as tokens.

        uses: how often the run will read the split before the phase ends.
        """
        plan = self.current.plan
        below, above = frozen_blocks(plan, plan.phases[self.current.index])
        pooler, reads_states = self.model.pooler, isinstance(self.model.head, StatesHead)
        mixes, stacks = isinstance(pooler, LayerMixing), isinstance(pooler, LayerStacking)
        point = cache_point_above(below, above, mixes, stacks, reads_states)
        if point is None or isinstance(self.model.head, PromptHead) or (point.by_token and self.model.sharded):
            return None
        trained = self._phases_trained(below)
        version = (point, trained, self.model.weights_id if any(trained) else 0)
        if self.sources.get(split, (None,))[0] != version:
            self.sources[split] = (None, None)  # free the old states before new ones are computed
            self.sources[split] = (version, self._find_or_compute(split, tokens, point, below, uses))
        return self.sources[split][1]

    def pooled_vectors(self, split: str, tokens: Tokens) -> Tensor:
        """Return the pooled vectors (N, D) of a split under the present weights, also if the encoder is trained."""
        source = self.for_split(split, tokens)
        if source is None or source.line.kind != "vectors":
            source = EncoderPass(self.model, self.runtime, CachePoint("vectors")).in_memory(tokens, split)
        vectors = source.rows(np.arange(len(tokens)))
        assert vectors is not None
        return vectors[:, 0]

    def _phases_trained(self, blocks: Sequence[Block]) -> tuple[int, ...]:
        """Return for each block the number of earlier phases in which any of its parameters was trained."""
        earlier = self.current.plan.phases[: self.current.index]
        return tuple(sum(any(phase.trains(p.name) for p in block.parameters) for phase in earlier) for block in blocks)

    # Where states are cached

    def _find_or_compute(
        self, split: str, tokens: Tokens, point: CachePoint, below: Sequence[Block], uses: int
    ) -> StateSource | None:
        if point.by_token and (reason := self._incompatibility(tokens, point)) is not None:
            log(f"frost line: {split} is encoded in each epoch: {reason}")
            return None
        if self._bypasses_disk(below):
            return None if point.by_token else EncoderPass(self.model, self.runtime, point).in_memory(tokens, split)
        key = self.keys.key(point, below, tokens, self.shared_cache.settings.dtype)
        if (states := self.shared_cache.open_states(key, point)) is not None:
            log(f"frost line: {split} is read from the cache, {self._describe_point(point)}")
            return states
        if self._is_worth_writing(split, tokens, point, below, uses):
            encoder_pass = self._encoder_pass(point, below, tokens)
            metadata = {"encoder": self.encoder_name, "split": split, "line": self._describe_point(point)}
            states = self.shared_cache.compute_states(key, encoder_pass, tokens, split, metadata)
        if states is None and not point.by_token:
            states = EncoderPass(self.model, self.runtime, point).in_memory(tokens, split)
        return states

    def _bypasses_disk(self, below: Sequence[Block]) -> bool:
        """Return whether states are of no use to another run, or their key cannot be computed."""
        is_averaged = bool(self.model.weights_id) and any(self._phases_trained(below))
        is_off = self.shared_cache.settings.mode == "off"
        return is_off or self.model.sharded or is_averaged or not self.keys.is_known

    def _is_worth_writing(
        self, split: str, tokens: Tokens, point: CachePoint, below: Sequence[Block], uses: int
    ) -> bool:
        """Decide whether to write: vectors are small and always worthwhile, token states must save time."""
        encoder: Any = self.model.encoder  # known by its role alone
        settings = self.shared_cache.settings
        size = np.dtype(settings.dtype).itemsize * int(encoder.width)
        if not point.by_token:
            vectors_per_text = int(encoder.layers) + 1 if point.kind == "stack" else 1
            return self._has_room(len(tokens) * vectors_per_text * size)
        operations = 2 * sum(p.size for block in below if block.kind == "layer" for p in block.parameters)
        passes, device = uses * jobs_in_sweep(), self.runtime.device.type
        estimate = Estimate(len(tokens.ids) * size, operations * len(tokens.ids), device, passes)
        if not (settings.mode == "on" or estimate.is_worthwhile) or not self._has_room(estimate.bytes):
            if estimate.is_worthwhile:
                log(f"frost line: {split} is not cached, because the cache has no room for it: {estimate}")
            return False
        log(f"frost line: {split} is cached {self._describe_point(point)}: {estimate}")
        return True

    def _has_room(self, size: int) -> bool:
        """Make room on the first rank, which decides for all."""
        try:
            has_room = self.shared_cache.rank > 0 or self.shared_cache.state_cache.make_room(size)
        except OSError:  # reported when the entry is written
            has_room = True
        return all_gather(has_room, self.runtime.ranks)[0]

    def _describe_point(self, point: CachePoint) -> str:
        where = {"vectors": "as vectors", "stack": "as vectors of every layer", "output": "after the last layer"}
        return where.get(point.kind, f"after {point.layers} layers")

    # How states are computed

    def _encoder_pass(self, point: CachePoint, below: Sequence[Block], tokens: Tokens) -> EncoderPass:
        """Return a pass that begins from the highest states that are already cached."""
        highest = (point.layers or len(self.model.partial_forward.layers) + 1) - 1
        for count in range(highest, 0, -1) if point.kind != "stack" else ():
            lower = CachePoint("states", count)
            key = self.keys.key(lower, blocks_up_to(below, count), tokens, self.shared_cache.settings.dtype)
            states = self.shared_cache.open_states(key, lower)
            if states is not None and self._incompatibility(tokens, lower) is None:
                return EncoderPass(self.model, self.runtime, point, states)
        return EncoderPass(self.model, self.runtime, point)

    @torch.no_grad()
    def _incompatibility(self, tokens: Tokens, point: CachePoint) -> str | None:
        """Return why the encoder cannot begin at the point, if so; tested once, on a few short and long texts."""
        if point.layers and point.layers not in self.incompatibilities:
            order = np.argsort(tokens.lengths, kind="stable")
            rows = np.unique(order[np.linspace(0, len(order) - 1, TEXTS_TRIED).astype(int)])
            ids, mask = (tensor.to(self.runtime.device) for tensor in tokens.padded(rows))
            with eval_mode(self.model.encoder), self.runtime.autocast():
                reason = self.model.partial_forward.incompatibility(point.layers, ids, mask)
            self.incompatibilities[point.layers] = reason
        return self.incompatibilities.get(point.layers)
