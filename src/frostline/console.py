"""Slow things show how far they are: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from frostline import session

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """``with Progress("tokenising", total=N) as bar: bar.update(n)``; units are texts, bytes or steps."""

    def __init__(self, what: str, total: int | None = None, unit: str = "texts") -> None:
        self.what, self.total, self.unit = what, total, unit
        self.done = 0

    def __enter__(self) -> Progress:
        self.started = self.said = time.monotonic()
        self.bar = None
        if sys.stderr.isatty() and not session.current().quiet:
            from tqdm import tqdm

            scale = self.unit == "B"
            self.bar = tqdm(total=self.total, desc=self.what, unit=self.unit, unit_scale=scale, leave=False)
        return self

    def update(self, increment: int) -> None:
        self.done += increment
        if self.bar is not None:
            self.bar.update(increment)
        elif time.monotonic() - self.said > SECONDS_BETWEEN_LINES:
            self.said = time.monotonic()
            log(self._line())

    def _line(self) -> str:
        share = f" of {self.total:,}" if self.total else ""
        seconds = time.monotonic() - self.started
        return f"{self.what}: {self.done:,}{share} {self.unit}, {seconds:.0f} s"

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.close()


def log(line: str) -> None:
    """A line for the person who waits; results go to standard output, this does not."""
    if session.current().quiet:
        return
    if sys.stderr.isatty():
        from tqdm import tqdm

        tqdm.write(line, file=sys.stderr)
    else:
        print(line, file=sys.stderr, flush=True)
