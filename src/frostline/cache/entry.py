"""One entry of the store: complete or absent, and never removed while in use.

    <folder>/<key>/manifest.json     names the other files, their sizes, and the checksums of those that hold checksums
    <folder>/<key>.partial/          work of one process at a time; a killed one's is gone on with
    <folder>/<key>.lock              while it is worked on

Work becomes an entry by being renamed, with its manifest in it. Standard library alone, so that `frostline cache`
starts at once.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline.cache.deletion import delete_atomically, delete_if_unlocked
from frostline.cache.locks import LockableFile, create_and_lock, lock_exclusive, lock_shared
from frostline.console import log
from frostline.results.atomic_files import read_json, write_json

VERSION = 1  # of what is written and how it is computed; another one's entries are not found
MANIFEST = "manifest.json"
STATES, TEXTS = "states.", "texts."  # how the files of numbers begin, and those that say which text is where
SECONDS_BETWEEN_ATTEMPTS, LOCK_ATTEMPTS = 0.05, 40


class Damaged(Exception):  # noqa: N818  # a state, told to the user as such
    """An entry whose files are not those that were written."""


@dataclass(frozen=True)
class Entry:
    """One key's files. key: hexadecimal digits."""

    folder: Path
    key: str

    @property
    def path(self) -> Path:
        return self.folder / self.key

    @property
    def work(self) -> Path:
        return self.folder / f"{self.key}.partial"

    @property
    def _lock(self) -> Path:
        return self.folder / f"{self.key}.lock"

    def manifest(self) -> dict[str, Any] | None:
        """What `complete` was given; None where the entry is not complete.

        Raises:
            Damaged: it is not as it was written, or a file has not the size that it was written with.
            OSError: it cannot be read.
        """
        try:
            found = read_json(self.path / MANIFEST)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError:
            found = None
        if not isinstance(found, dict) or found.pop("sum", None) != _manifest_checksum(found):
            raise Damaged(f"'{self.path / MANIFEST}' is not as it was written")
        for name, size in found["files"].items():
            has = _file_size(self.path / name)
            if has != size:
                raise Damaged(f"'{self.path / name}' has {has:,} bytes instead of {size:,}")
        return found

    @property
    def size(self) -> int:
        """On disk, whether complete or in the making."""
        return sum(_file_size(file) for place in (self.path, self.work) for file in _files_in(place))

    @property
    def used(self) -> float:
        """When it was last opened or worked on, in seconds since 1970."""
        return max(_modification_time(self.path), _modification_time(self.work))

    # In use

    def held(self) -> LockableFile:
        """As long as this is open, the entry is in use.

        Raises:
            FileNotFoundError: it is not there, or is being removed.
        """
        for _ in range(LOCK_ATTEMPTS):  # another may just be asking whether it is in use
            if (hold := lock_shared(self.path / MANIFEST)) is not None:
                break
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)
        else:
            raise FileNotFoundError(errno.ENOENT, "is being removed", str(self.path))
        with contextlib.suppress(OSError):  # a store that may only be read
            os.utime(self.path)
        return hold

    @contextlib.contextmanager
    def claimed(self, wait_seconds: float | None = None) -> Iterator[None]:
        """Be the one that writes it; waits for another that does, for ever if need be.

        Raises:
            TimeoutError: the other one still writes.
            OSError: the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = self._awaited(wait_seconds)
        try:
            self.work.mkdir(exist_ok=True)
            yield
        finally:
            with contextlib.suppress(OSError):  # nothing was done
                self.work.rmdir()
            with contextlib.suppress(OSError):
                self._lock.unlink()
            lock.close()

    def _awaited(self, seconds: float | None) -> LockableFile:
        end = None if seconds is None else time.monotonic() + seconds
        told = False
        while (lock := create_and_lock(self._lock)) is None:
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(errno.ETIMEDOUT, "another run is still computing the same states", str(self.work))
            if not told:
                log("frost line: another run computes the same states; waiting for it")
            told = True
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)
        return lock

    # From work to entry to nothing; the first two inside `claimed`

    def complete(self, about: Mapping[str, Any]) -> None:
        """Put the work in place. about["files"]: its files and their sizes; all else in the work is dropped.

        Raises:
            OSError: the disk does not take it, or a file is not there with its size.
        """
        for file in self.work.iterdir():  # of a killed run that had other shares
            if file.name not in about["files"]:
                file.unlink()
        for name, size in about["files"].items():
            if _file_size(self.work / name) != size:
                raise OSError(errno.EIO, "a part of it is not there", str(self.work / name))
        sums = {name: zlib.crc32((self.work / name).read_bytes()) for name in about["files"] if name.startswith(TEXTS)}
        found = {**about, "store": VERSION, "sums": sums}
        write_json(self.work / MANIFEST, {**found, "sum": _manifest_checksum(found)})
        self.condemn()  # where one stands that was not complete for us
        self.work.replace(self.path)

    def abandon(self) -> None:
        """Drop the work."""
        delete_atomically(self.work)

    def condemn(self) -> None:
        """Remove it though it may be in use: those that have its files open read on, each text held to its checksum."""
        with contextlib.suppress(OSError):
            delete_atomically(self.path)

    def remove(self) -> bool:
        """Whether nothing is left of it: what is in use stays."""
        return delete_if_unlocked(self.path / MANIFEST, lock_exclusive, self.path) and delete_if_unlocked(
            self._lock, create_and_lock, self.work, self._lock
        )

    @property
    def in_use(self) -> bool:
        """Whether somebody reads or writes it."""
        return not (
            delete_if_unlocked(self.path / MANIFEST, lock_exclusive) and delete_if_unlocked(self._lock, lock_exclusive)
        )


def _manifest_checksum(found: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(found, sort_keys=True).encode())


def _files_in(place: Path) -> list[Path]:
    """None where it is not there: another process may just have removed it."""
    try:
        return list(place.iterdir())
    except OSError:
        return []


def _file_size(file: Path) -> int:
    """0 where it is not there."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _modification_time(place: Path) -> float:
    try:
        return place.stat().st_mtime
    except OSError:
        return 0.0
