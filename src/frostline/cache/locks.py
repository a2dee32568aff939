"""Open files that hold a lock for as long as they are open, a killed process's too."""

from __future__ import annotations

import contextlib
import fcntl
import os
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self


class LockableFile:
    """A file descriptor, closed at the latest when nobody has it any more."""

    def __init__(self, path: Path, flags: int = os.O_RDONLY) -> None:
        self.path = path
        self.fd = os.open(path, flags | os.O_CLOEXEC, 0o666)
        self.close = weakref.finalize(self, os.close, self.fd)

    def lock(self, how: int) -> bool:
        """Whether it is ours and still the file that the path names: another one's last act may have been to remove it.

        Raises:
            OSError: the file system has no locks.
        """
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(self.fd, how | fcntl.LOCK_NB)
            return os.path.samestat(os.fstat(self.fd), self.path.stat())
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def lock_shared(path: Path) -> LockableFile | None:
    """With others that read it; None where it is being removed."""
    return _open_and_lock(path, os.O_RDONLY, fcntl.LOCK_SH)


def lock_exclusive(path: Path) -> LockableFile | None:
    """None where another holds it."""
    try:
        return _open_and_lock(path, os.O_RDWR, fcntl.LOCK_EX)  # a network's file system locks what is open for writing
    except OSError:
        return _open_and_lock(path, os.O_RDONLY, fcntl.LOCK_EX)


def create_and_lock(path: Path) -> LockableFile | None:
    """Alone, of a file that is there for the lock only; None where another holds it."""
    return _open_and_lock(path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX)


def _open_and_lock(path: Path, flags: int, how: int) -> LockableFile | None:
    file = LockableFile(path, flags)
    if file.lock(how):
        return file
    file.close()
    return None
