"""The store: entries in one folder, within a budget."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from frostline.cache.deletion import DELETED_SUFFIX
from frostline.cache.entry import MANIFEST, VERSION, Damaged, Entry

__all__ = ["VERSION", "Damaged", "Entry", "StateCache"]

KEY = re.compile(r"[0-9a-f]{8,64}")  # no other folder is looked at, in case that the store is told to lie among others
DISK_FRACTION = 10  # of the free disk the store takes a tenth


@dataclass(frozen=True)
class StateCache:
    """All entries of a folder, within a budget; without one a tenth of what they and the free disk come to."""

    folder: Path
    max_bytes: int | None = None

    def entry(self, key: str) -> Entry:
        return Entry(self.folder, key)

    def entries(self) -> list[Entry]:
        """The complete ones, damaged ones among them; the one that was used last at the end."""
        return self._entries(path.parent.name for path in self.folder.glob(f"*/{MANIFEST}"))

    def unfinished(self) -> list[Entry]:
        """Those that are being written, or were when their writer was killed."""
        names = (path.name for ending in ("partial", "lock") for path in self.folder.glob(f"*.{ending}"))
        return self._entries(name.partition(".")[0] for name in names)

    def _entries(self, keys: Iterable[str]) -> list[Entry]:
        return sorted((self.entry(key) for key in set(keys) if KEY.fullmatch(key)), key=lambda entry: entry.used)

    def all(self) -> list[Entry]:
        return self._entries(entry.key for entry in self.entries() + self.unfinished())

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.all())

    @property
    def budget(self) -> int:
        """Never more than the disk has."""
        disk = self.size + shutil.disk_usage(self.folder).free
        return disk // DISK_FRACTION if self.max_bytes is None else min(self.max_bytes, disk)

    def make_room(self, need: int) -> bool:
        """Remove what was not used for longest until `need` bytes fit in; False: they do not, and nothing is removed.

        Raises:
            OSError: there is no such folder, and it cannot be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.sweep()
        room = self.budget - self.size
        if room < need and room + sum(entry.size for entry in self.all() if not entry.in_use) < need:
            return False
        self.prune(need)
        return self.budget - self.size >= need

    def prune(self, need: int = 0) -> int:
        """Remove what was not used for longest, and is not in use, for as long as more than the budget is taken.

        Gives how many bytes.
        """
        room, removed = self.budget - self.size, 0
        for entry in self.all():
            size = entry.size
            if room + removed < need and entry.remove():
                removed += size
        return removed

    def sweep(self) -> None:
        """Remove what a killed process was removing."""
        for path in self.folder.glob(f".*{DELETED_SUFFIX}"):
            if KEY.match(path.name, 1):
                shutil.rmtree(path, ignore_errors=True)
