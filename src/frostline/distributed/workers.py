"""Processes that do jobs for another: deaf to Ctrl-C, which is for the other, and gone when the other is gone."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from pathlib import Path

from frostline import session


def ignore_sigint() -> None:
    """A terminal sends Ctrl-C to all processes of a command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def hold_leader_lock(file: Path) -> str:
    """Lock a file until this process ends in whatever way."""
    leaders = session.current().locks.leaders
    if str(file) not in leaders:
        leaders[str(file)] = file.open("a")
        fcntl.flock(leaders[str(file)], fcntl.LOCK_EX)
    return str(file)


def exit_with_leader(leader: str) -> None:
    """End this process when the one that has locked the file is gone."""
    watched = session.current().locks.watched
    if leader in watched:
        return
    watched.add(leader)

    def wait() -> None:
        with Path(leader).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
