"""Ctrl-C in a sweep: once, and no further job begins while the present ones come to their end; twice, and all ends.

Workers have no part in the signal: they look for a file in the sweep's own folder.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from frostline.console import say

_asked = False
_sweep: Path | None = None  # that is listened for


def asked(sweep: str | None = None) -> bool:
    """sweep: its own folder, where this process may not be the one that was asked."""
    return _asked or (bool(sweep) and _file(Path(str(sweep))).exists())


def forget() -> None:
    """A new command."""
    global _asked
    _asked = False


@contextmanager
def listening(sweep: Path) -> Iterator[None]:
    global _sweep
    _sweep = sweep
    before = signal.signal(signal.SIGINT, _ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _ask(number: int, frame: FrameType | None) -> None:
    global _asked
    if _asked:
        signal.default_int_handler(number, frame)
    _asked = True
    if _sweep is not None:
        _sweep.mkdir(parents=True, exist_ok=True)
        _file(_sweep).touch()
    say("Ctrl-C: what is under way comes to its end, then the sweep stops; once more stops at once")


def _file(sweep: Path) -> Path:
    return sweep / "stop"
