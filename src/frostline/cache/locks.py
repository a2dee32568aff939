"""Locks of files, and deletion of what nobody has locked.

A file is locked while it is open; the lock ends with the process, also when it is killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import uuid
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

DELETED_SUFFIX = ".gone"  # of the names of files and folders whose deletion has begun


class LockableFile:
    """A file descriptor, closed at the latest when the object is garbage-collected."""

    def __init__(self, path: Path, flags: int = os.O_RDONLY) -> None:
        self.path = path
        self.fd = os.open(path, flags | os.O_CLOEXEC, 0o666)
        self.close = weakref.finalize(self, os.close, self.fd)

    def lock(self, operation: int) -> bool:
        """Try to lock the file; return whether it is locked and still the file at its path.

        The process that held the lock before may have deleted the file.

        Raises:
            OSError: the file system does not support locks.
        """
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(self.fd, operation | fcntl.LOCK_NB)
            return os.path.samestat(os.fstat(self.fd), self.path.stat())
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def lock_shared(path: Path) -> LockableFile | None:
    """Lock an existing file for reading; return None if it is being deleted."""
    return _open_and_lock(path, os.O_RDONLY, fcntl.LOCK_SH)


def lock_exclusive(path: Path) -> LockableFile | None:
    """Lock an existing file exclusively; return None if another process holds a lock."""
    try:
        return _open_and_lock(path, os.O_RDWR, fcntl.LOCK_EX)  # network file systems lock only files open for writing
    except OSError:
        return _open_and_lock(path, os.O_RDONLY, fcntl.LOCK_EX)


def create_and_lock(path: Path) -> LockableFile | None:
    """Create a lock file if necessary and lock it exclusively; return None if another process holds a lock."""
    return _open_and_lock(path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX)


def _open_and_lock(path: Path, flags: int, operation: int) -> LockableFile | None:
    file = LockableFile(path, flags)
    if file.lock(operation):
        return file
    file.close()
    return None


def delete_if_unlocked(lock: Path, acquire: Callable[[Path], LockableFile | None], *paths: Path) -> bool:
    """Delete `paths` while holding their lock; return False if another process holds it or the disk reports an error.

    acquire: opens and locks the file `lock`. Without `paths` the lock is only tried.
    """
    try:
        if paths and not any(path.exists() for path in paths):
            return True
        if (held_lock := acquire(lock)) is None:
            return False
        with held_lock:
            for path in paths:
                delete_atomically(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return True


def delete_atomically(path: Path) -> None:
    """Delete a file or folder; it is renamed first, so that a part of it is never visible under its name."""
    renamed = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}{DELETED_SUFFIX}")
    with contextlib.suppress(FileNotFoundError):
        path.replace(renamed)
    if renamed.is_dir():
        shutil.rmtree(renamed, ignore_errors=True)
    else:
        renamed.unlink(missing_ok=True)
