"""Processes that run jobs for another process: they ignore Ctrl-C and end when the other process has ended."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from pathlib import Path

from frostline import session


def ignore_sigint() -> None:
    """Ignore Ctrl-C, which a terminal sends to all processes of a command. The command itself handles it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def hold_leader_lock(file: Path) -> str:
    """Lock a file until this process ends, even if it is killed. Return its path, for `exit_with_leader`."""
    leaders = session.current().locks.leaders
    if str(file) not in leaders:
        leaders[str(file)] = file.open("a")
        fcntl.flock(leaders[str(file)], fcntl.LOCK_EX)
    return str(file)


def exit_with_leader(file: str) -> None:
    """End this process as soon as no process holds the lock on `file`."""
    watched = session.current().locks.watched
    if file in watched:
        return
    watched.add(file)

    def wait_for_lock() -> None:
        with Path(file).open("a") as opened:
            fcntl.flock(opened, fcntl.LOCK_SH)
            os._exit(1)

    threading.Thread(target=wait_for_lock, daemon=True).start()
