"""Ctrl-C in a sweep: pressed once, no further job starts and the running jobs finish; pressed twice, all stops.

Worker processes ignore the signal. They look for a file in the folder of the sweep.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from frostline import session
from frostline.console import log
from frostline.session import Session


def interrupt_requested(sweep: str | None = None) -> bool:
    """Return whether Ctrl-C was pressed in this process, or in the one that started the sweep with folder `sweep`."""
    return session.current().interrupted or (bool(sweep) and _stop_file(Path(str(sweep))).exists())


@contextmanager
def handle_interrupt(state: Session, sweep: Path) -> Iterator[None]:
    """Note Ctrl-C in `state` and in the sweep's folder while this is open."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        if state.interrupted:
            signal.default_int_handler(number, frame)
        state.interrupted = True
        sweep.mkdir(parents=True, exist_ok=True)
        _stop_file(sweep).touch()
        log("Ctrl-C: running jobs finish, then the sweep stops; press Ctrl-C again to stop at once")

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _stop_file(sweep: Path) -> Path:
    return sweep / "stop"
