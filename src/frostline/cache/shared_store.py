"""The cache of states as one run uses it: written by one run while others wait, read by all its ranks."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch.distributed as dist
from torch import Tensor

from frostline.cache.arrays import StatesReader, StatesWriter
from frostline.cache.encode import EncoderPass, InMemoryStates
from frostline.cache.store import Damaged, Entry, StateCache
from frostline.console import log
from frostline.data.batches import Indices
from frostline.data.downloads.package_cache import store_folder
from frostline.data.loader import StateSource
from frostline.data.tokens import Tokens
from frostline.distributed.collectives import all_gather
from frostline.freezing.frost_line import CachePoint
from frostline.results.home_paths import expand_home
from frostline.types import Count


@dataclass(frozen=True)
class CacheSettings:
    """The `cache` group.

    mode: auto caches what is worthwhile, on everything that can be cached, off nothing beyond the memory of the run.
    dir: null is FROSTLINE_STORE, or frost/ among the downloads. max_bytes: null is a tenth of the free disk.
    dtype: float16 halves the size on disk and rounds the states.
    """

    mode: Literal["auto", "on", "off"] = "auto"
    dir: str | None = None
    max_bytes: Count | None = None
    dtype: Literal["float32", "float16"] = "float32"

    @property
    def state_cache(self) -> StateCache:
        return StateCache(expand_home(self.dir, "cache.dir") if self.dir else store_folder(), self.max_bytes)


class CachedStates:
    """The states of a split on disk; after the first damaged text no more are read."""

    def __init__(self, line: CachePoint, reader: StatesReader) -> None:
        self.line, self.reader = line, reader
        self.is_intact = True

    def rows(self, index: Indices) -> Tensor | None:
        """Return the states (B, T, D) of texts, or None if they must be computed again."""
        try:
            return self.reader.padded(index) if self.is_intact else None
        except (Damaged, OSError) as error:
            log(f"frost line: {error}; going on without the cache")
            self.reader.entry.invalidate()
            self.is_intact = False
            return None


class SharedCache:
    """The cache of one run, used by its `ranks` processes. All calls are collective."""

    def __init__(self, settings: CacheSettings, ranks: int) -> None:
        self.settings, self.ranks, self.state_cache = settings, ranks, settings.state_cache

    @property
    def rank(self) -> int:
        return dist.get_rank() if self.ranks > 1 else 0

    def open_states(self, key: str, line: CachePoint) -> StateSource | None:
        """Return the states of an entry, or None if it does not exist or is damaged."""
        entry, states = self.state_cache.entry(key), None
        try:
            if entry.manifest() is not None:
                states = _states_of_reader(line, StatesReader(entry))
        except FileNotFoundError:  # just deleted by another run
            pass
        except (Damaged, OSError) as error:
            log(f"frost line: {error}; it is computed again")
            entry.invalidate()
        return states if all(all_gather(states is not None, self.ranks)) else None

    def compute_states(
        self, key: str, encoder_pass: EncoderPass, tokens: Tokens, description: str, metadata: Mapping[str, Any]
    ) -> StateSource | None:
        """Encode a split into an entry, one share on each rank; return its states, or None if it cannot be written.

        One run writes. Another run that needs the same states waits and then opens the complete entry.
        """
        entry = self.state_cache.entry(key)
        with contextlib.ExitStack() as stack:
            is_locked = self.rank > 0 or self._lock_entry(entry, stack)
            if not all(all_gather(is_locked, self.ranks)):
                return None
            if (states := self.open_states(key, encoder_pass.line)) is not None:
                return states
            shares = all_gather(self._write_share(entry, encoder_pass, tokens, description), self.ranks)
            done = self.rank > 0 or self._commit_entry(entry, shares, {**metadata, "texts": len(tokens)})
        return self.open_states(key, encoder_pass.line) if all(all_gather(done, self.ranks)) else None

    def _lock_entry(self, entry: Entry, stack: contextlib.ExitStack) -> bool:
        try:
            stack.enter_context(entry.lock_for_writing())
        except OSError as error:
            return _warn_not_written(error)
        return True

    def _write_share(
        self, entry: Entry, encoder_pass: EncoderPass, tokens: Tokens, description: str
    ) -> dict[str, int] | None:
        """Write the share of this rank; return its files and their sizes, or None if the disk reports an error."""
        try:
            writer = StatesWriter(entry.partial_path, f"{self.rank}of{self.ranks}", self.settings.dtype)
            for batch in encoder_pass.encoded_batches(tokens, description, writer.batches):
                writer.append(*batch)
            return writer.close()
        except OSError as error:
            _warn_not_written(error)
            return None

    def _commit_entry(self, entry: Entry, shares: list[dict[str, int] | None], metadata: Mapping[str, Any]) -> bool:
        try:
            if not all(shares):
                entry.discard_partial()
                return False
            files = {name: size for share in shares if share for name, size in share.items()}
            entry.commit({**metadata, "dtype": self.settings.dtype, "files": files})
        except OSError as error:
            return _warn_not_written(error)
        return True


def _states_of_reader(line: CachePoint, reader: StatesReader) -> StateSource:
    """Return token states, which are read batch by batch, or vectors, which are read into memory at once."""
    if line.by_token:
        return CachedStates(line, reader)
    return InMemoryStates(line, reader.padded(np.arange(len(reader.length))))


def _warn_not_written(error: OSError) -> bool:
    log(f"frost line: the cache cannot be written ({error.strerror}); going on without it")
    return False
