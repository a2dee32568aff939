"""Ctrl-C in a sweep: once, and no further job begins while the present one comes to its end; twice, and all ends."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from frostline.progress import say

_asked = False


def asked() -> bool:
    return _asked


def ask() -> None:
    """As Ctrl-C does, for whoever learns of it in another way."""
    global _asked
    _asked = True


def forget() -> None:
    """A new command."""
    global _asked
    _asked = False


@contextmanager
def listening() -> Iterator[None]:
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
    say("Ctrl-C: what is under way comes to its end, then the sweep stops; once more stops at once")
