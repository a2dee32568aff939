"""One entry of the cache: complete or absent, and never deleted while in use.

    <folder>/<key>/manifest.json     names the other files, their sizes, and the checksums of the files of records
    <folder>/<key>.partial/          the work of one process at a time; the next process continues that of a killed one
    <folder>/<key>.lock              exists while the entry is written

The partial folder becomes the entry by being renamed, with its manifest in it. The module imports the standard library
alone, so that `frostline cache` starts quickly.
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

from frostline.cache.locks import (
    LockableFile,
    create_and_lock,
    delete_atomically,
    delete_if_unlocked,
    lock_exclusive,
    lock_shared,
)
from frostline.console import log
from frostline.results.atomic_files import read_json, write_json

VERSION = 1  # of the files and of how states are computed; entries of other versions are ignored
MANIFEST = "manifest.json"
STATES, TEXTS = "states.", "texts."  # prefixes of the files of states, and of the files of records of texts
SECONDS_BETWEEN_ATTEMPTS, LOCK_ATTEMPTS = 0.05, 40


class Damaged(Exception):  # noqa: N818  # a state of an entry, reported to the user as such
    """The files of an entry are not those that were written."""


@dataclass(frozen=True)
class Entry:
    """The files of one key. key: hexadecimal digits."""

    folder: Path
    key: str

    @property
    def path(self) -> Path:
        return self.folder / self.key

    @property
    def partial_path(self) -> Path:
        return self.folder / f"{self.key}.partial"

    @property
    def _lock_path(self) -> Path:
        return self.folder / f"{self.key}.lock"

    def manifest(self) -> dict[str, Any] | None:
        """Return the metadata given to `commit`, or None if the entry is not complete.

        Raises:
            Damaged: the manifest has changed, or a file does not have the size that it was written with.
            OSError: the manifest cannot be read.
        """
        try:
            manifest = read_json(self.path / MANIFEST)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError:
            manifest = None
        if not isinstance(manifest, dict) or manifest.pop("sum", None) != _manifest_checksum(manifest):
            raise Damaged(f"'{self.path / MANIFEST}' is not as it was written")
        for name, size in manifest["files"].items():
            actual = _file_size(self.path / name)
            if actual != size:
                raise Damaged(f"'{self.path / name}' has {actual:,} bytes instead of {size:,}")
        return manifest

    @property
    def size(self) -> int:
        """Return the bytes on disk, of a complete entry or of its partial folder."""
        return sum(_file_size(file) for folder in (self.path, self.partial_path) for file in _files_in(folder))

    @property
    def last_used(self) -> float:
        """Return the time when the entry was last read or written, in seconds since 1970."""
        return max(_modification_time(self.path), _modification_time(self.partial_path))

    # Locks

    def lock_for_reading(self) -> LockableFile:
        """Return a lock; the entry is in use until it is closed.

        Raises:
            FileNotFoundError: the entry does not exist, or is being deleted.
        """
        for _ in range(LOCK_ATTEMPTS):  # another process may hold the lock for a moment to test whether it is in use
            if (lock := lock_shared(self.path / MANIFEST)) is not None:
                break
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)
        else:
            raise FileNotFoundError(errno.ENOENT, "is being removed", str(self.path))
        with contextlib.suppress(OSError):  # the cache may be read-only
            os.utime(self.path)
        return lock

    @contextlib.contextmanager
    def lock_for_writing(self, timeout: float | None = None) -> Iterator[None]:
        """Hold the right to write the entry; wait for another process that does. timeout: in seconds, None for ever.

        Raises:
            TimeoutError: the other process is still writing.
            OSError: the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = self._wait_for_lock(timeout)
        try:
            self.partial_path.mkdir(exist_ok=True)
            yield
        finally:
            with contextlib.suppress(OSError):  # not empty: the work of a process that could not complete it
                self.partial_path.rmdir()
            with contextlib.suppress(OSError):
                self._lock_path.unlink()
            lock.close()

    def _wait_for_lock(self, timeout: float | None) -> LockableFile:
        end = None if timeout is None else time.monotonic() + timeout
        is_reported = False
        while (lock := create_and_lock(self._lock_path)) is None:
            if end is not None and time.monotonic() >= end:
                message = "another run is still computing the same states"
                raise TimeoutError(errno.ETIMEDOUT, message, str(self.partial_path))
            if not is_reported:
                log("frost line: another run computes the same states; waiting for it")
            is_reported = True
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)
        return lock

    # Changes of state; `commit` and `discard_partial` inside `lock_for_writing`

    def commit(self, metadata: Mapping[str, Any]) -> None:
        """Turn the partial folder into the entry.

        metadata: "files" maps the names of its files to their sizes; all other files are deleted.

        Raises:
            OSError: the disk reports an error, or a file does not exist with its size.
        """
        for file in self.partial_path.iterdir():  # a killed run may have had another number of ranks
            if file.name not in metadata["files"]:
                file.unlink()
        for name, size in metadata["files"].items():
            if _file_size(self.partial_path / name) != size:
                raise OSError(errno.EIO, "a part of it is not there", str(self.partial_path / name))
        record_files = [name for name in metadata["files"] if name.startswith(TEXTS)]
        sums = {name: zlib.crc32((self.partial_path / name).read_bytes()) for name in record_files}
        manifest = {**metadata, "store": VERSION, "sums": sums}
        write_json(self.partial_path / MANIFEST, {**manifest, "sum": _manifest_checksum(manifest)})
        self.invalidate()  # an entry that this run found incomplete or damaged
        self.partial_path.replace(self.path)

    def discard_partial(self) -> None:
        """Delete the partial folder."""
        delete_atomically(self.partial_path)

    def invalidate(self) -> None:
        """Delete the entry even if it is in use: readers keep their open files and check each text as before."""
        with contextlib.suppress(OSError):
            delete_atomically(self.path)

    def delete(self) -> bool:
        """Delete the entry if it is not in use; return whether nothing of it is left."""
        return delete_if_unlocked(self.path / MANIFEST, lock_exclusive, self.path) and delete_if_unlocked(
            self._lock_path, create_and_lock, self.partial_path, self._lock_path
        )

    @property
    def in_use(self) -> bool:
        """Return whether a process reads or writes the entry."""
        is_read = not delete_if_unlocked(self.path / MANIFEST, lock_exclusive)
        return is_read or not delete_if_unlocked(self._lock_path, lock_exclusive)


def _manifest_checksum(manifest: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(manifest, sort_keys=True).encode())


def _files_in(folder: Path) -> list[Path]:
    """Return the files of a folder, an empty list if another process has just deleted it."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _file_size(file: Path) -> int:
    """Return the size in bytes, 0 if the file does not exist."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _modification_time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
