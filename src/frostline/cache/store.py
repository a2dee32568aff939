"""The cache of states: a folder of entries within a budget of bytes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from frostline.cache.entry import MANIFEST, VERSION, Damaged, Entry
from frostline.cache.locks import DELETED_SUFFIX

__all__ = ["VERSION", "Damaged", "Entry", "StateCache"]

KEY = re.compile(r"[0-9a-f]{8,64}")  # other folders are ignored, in case the cache shares its folder with other files
DISK_FRACTION = 10  # the default budget is a tenth of the disk


@dataclass(frozen=True)
class StateCache:
    """All entries of a folder. max_bytes: the budget; by default a tenth of their size and the free disk together."""

    folder: Path
    max_bytes: int | None = None

    def entry(self, key: str) -> Entry:
        return Entry(self.folder, key)

    def complete_entries(self) -> list[Entry]:
        """Return the complete entries, damaged ones included, the most recently used last."""
        return self._entries_of(path.parent.name for path in self.folder.glob(f"*/{MANIFEST}"))

    def unfinished_entries(self) -> list[Entry]:
        """Return the entries that are being written, or whose writer was killed."""
        names = (path.name for suffix in ("partial", "lock") for path in self.folder.glob(f"*.{suffix}"))
        return self._entries_of(name.partition(".")[0] for name in names)

    def _entries_of(self, keys: Iterable[str]) -> list[Entry]:
        return sorted((self.entry(key) for key in set(keys) if KEY.fullmatch(key)), key=lambda entry: entry.last_used)

    def all_entries(self) -> list[Entry]:
        """Return complete and unfinished entries, the most recently used last."""
        return self._entries_of(entry.key for entry in self.complete_entries() + self.unfinished_entries())

    @property
    def size(self) -> int:
        """Return the bytes of all entries."""
        return sum(entry.size for entry in self.all_entries())

    @property
    def budget(self) -> int:
        """Return the budget in bytes, at most what the disk has."""
        disk = self.size + shutil.disk_usage(self.folder).free
        return disk // DISK_FRACTION if self.max_bytes is None else min(self.max_bytes, disk)

    def make_room(self, needed: int) -> bool:
        """Delete the least recently used entries until `needed` bytes fit; return False, deleting none, if they cannot.

        Raises:
            OSError: the folder does not exist and cannot be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.finish_deletions()
        room = self.budget - self.size
        if room < needed and room + sum(entry.size for entry in self.all_entries() if not entry.in_use) < needed:
            return False
        self.prune(needed)
        return self.budget - self.size >= needed

    def prune(self, needed: int = 0) -> int:
        """Delete the least recently used entries that are not in use until `needed` bytes fit into the budget.

        Returns:
            The number of bytes deleted.
        """
        room, deleted = self.budget - self.size, 0
        for entry in self.all_entries():
            size = entry.size
            if room + deleted < needed and entry.delete():
                deleted += size
        return deleted

    def finish_deletions(self) -> None:
        """Complete deletions that a killed process began."""
        for path in self.folder.glob(f".*{DELETED_SUFFIX}"):
            if KEY.match(path.name, 1):
                shutil.rmtree(path, ignore_errors=True)
