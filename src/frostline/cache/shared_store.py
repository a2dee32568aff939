"""States in the store: written by one run while others wait, read by all its ranks."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
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
from frostline.types import Count


@dataclass(frozen=True)
class CacheSettings:
    """The `cache` group. mode: auto keeps what pays, on all that can be kept, off nothing beyond the run's memory.

    dir: null is FROSTLINE_STORE, or frost/ among the downloads; max_bytes: null is a tenth of the free disk.
    dtype: float16 halves the store and rounds what lies below the line.
    """

    mode: Literal["auto", "on", "off"] = "auto"
    dir: str | None = None
    max_bytes: Count | None = None
    dtype: Literal["float32", "float16"] = "float32"

    @property
    def shelf(self) -> StateCache:
        return StateCache(Path(self.dir).expanduser() if self.dir else store_folder(), self.max_bytes)


class CachedStates:
    """What the store keeps of a split; what turns out to be damaged is read no more."""

    def __init__(self, line: CachePoint, reader: StatesReader) -> None:
        self.line, self.reader = line, reader
        self.sound = True

    def rows(self, index: Indices) -> Tensor | None:
        try:
            return self.reader.padded(index) if self.sound else None
        except (Damaged, OSError) as error:
            log(f"frost line: {error}; going on without the store")
            self.reader.entry.condemn()
            self.sound = False
            return None


class SharedCache:
    """The store of one run, in which `ranks` take part. All calls are collective."""

    def __init__(self, cache: CacheSettings, ranks: int) -> None:
        self.cache, self.ranks, self.shelf = cache, ranks, cache.shelf

    @property
    def rank(self) -> int:
        return dist.get_rank() if self.ranks > 1 else 0

    def opened(self, key: str, line: CachePoint) -> StateSource | None:
        """None where it is not there, or damaged."""
        entry, found = self.shelf.entry(key), None
        try:
            if entry.manifest() is not None:
                found = _states_of_reader(line, StatesReader(entry))
        except FileNotFoundError:  # removed by another run in this moment
            pass
        except (Damaged, OSError) as error:
            log(f"frost line: {error}; it is computed again")
            entry.condemn()
        return found if all(all_gather(found is not None, self.ranks)) else None

    def filled(
        self, key: str, encoding: EncoderPass, tokens: Tokens, what: str, about: Mapping[str, Any]
    ) -> StateSource | None:
        """Encode a split into the store, each rank its share; None where that cannot be done.

        One run writes; another that wants the same waits, and finds the entry complete.
        """
        entry = self.shelf.entry(key)
        with contextlib.ExitStack() as stack:
            claimed = self.rank > 0 or self._claim(entry, stack)
            if not all(all_gather(claimed, self.ranks)):
                return None
            if (found := self.opened(key, encoding.line)) is not None:
                return found
            shares = all_gather(self._share(entry, encoding, tokens, what), self.ranks)
            done = self.rank > 0 or self._complete(entry, shares, {**about, "texts": len(tokens)})
        return self.opened(key, encoding.line) if all(all_gather(done, self.ranks)) else None

    def _claim(self, entry: Entry, stack: contextlib.ExitStack) -> bool:
        try:
            stack.enter_context(entry.claimed())
        except OSError as error:
            return _warn_not_written(error)
        return True

    def _share(self, entry: Entry, encoding: EncoderPass, tokens: Tokens, what: str) -> dict[str, int] | None:
        """What this rank has written; None where the disk does not take it."""
        try:
            writer = StatesWriter(entry.work, f"{self.rank}of{self.ranks}", self.cache.dtype)
            for part in encoding.parts(tokens, what, writer.batches):
                writer.append(*part)
            return writer.close()
        except OSError as error:
            _warn_not_written(error)
            return None

    def _complete(self, entry: Entry, shares: list[dict[str, int] | None], about: Mapping[str, Any]) -> bool:
        try:
            if not all(shares):
                entry.abandon()
                return False
            files = {name: size for share in shares if share for name, size in share.items()}
            entry.complete({**about, "dtype": self.cache.dtype, "files": files})
        except OSError as error:
            return _warn_not_written(error)
        return True


def _states_of_reader(line: CachePoint, reader: StatesReader) -> StateSource:
    """Token states are read batch by batch; one vector a text, or one of every layer, is read at once."""
    if line.by_token:
        return CachedStates(line, reader)
    return InMemoryStates(line, reader.padded(np.arange(len(reader.length))))


def _warn_not_written(error: OSError) -> bool:
    log(f"frost line: the store cannot be written ({error.strerror}); going on without it")
    return False
