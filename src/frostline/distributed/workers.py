"""Processes that do jobs for another: deaf to Ctrl-C, which is for the other, and gone when the other is gone."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from pathlib import Path
from typing import IO

_held: dict[str, IO[str]] = {}  # what this process is known by to its workers
_watched: set[str] = set()  # what it knows others by


def deaf() -> None:
    """A terminal sends Ctrl-C to all processes of a command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def lead(file: Path) -> str:
    """Lock a file until this process ends in whatever way."""
    if str(file) not in _held:
        _held[str(file)] = file.open("a")
        fcntl.flock(_held[str(file)], fcntl.LOCK_EX)
    return str(file)


def follow(leader: str) -> None:
    """End this process when the one that has locked the file is gone."""
    if leader in _watched:
        return
    _watched.add(leader)

    def wait() -> None:
        with Path(leader).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
