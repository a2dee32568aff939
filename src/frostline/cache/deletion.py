"""Deletion of files and folders: atomic, and never of what another process has locked."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from frostline.cache.locks import LockableFile

DELETED_SUFFIX = ".gone"  # of the names of files and folders whose deletion has begun


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
