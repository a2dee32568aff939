"""Removing files and folders: never half, and never what another process has locked."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from frostline.cache.locks import LockableFile

DELETED_SUFFIX = ".gone"  # what is named so is being deleted


def delete_if_unlocked(lock: Path, how: Callable[[Path], LockableFile | None], *places: Path) -> bool:
    """Dispose of places under their lock; False: another has it, or the disk does not let go."""
    try:
        if places and not any(place.exists() for place in places):
            return True
        if (hold := how(lock)) is None:
            return False
        with hold:
            for place in places:
                delete_atomically(place)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return True


def delete_atomically(place: Path) -> None:
    """Never half: it has another name before the first of its files goes."""
    aside = place.with_name(f".{place.name}-{uuid.uuid4().hex[:8]}{DELETED_SUFFIX}")
    with contextlib.suppress(FileNotFoundError):
        place.replace(aside)
    if aside.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.unlink(missing_ok=True)
