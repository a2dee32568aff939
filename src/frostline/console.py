"""Messages and progress bars on standard error. Results of a command go to standard output instead."""

from __future__ import annotations

import codecs
import io
import sys
import time
from types import TracebackType

from frostline import session

SECONDS_BETWEEN_LINES = 10.0
IN_ASCII = {"·": ".", "±": "+-", "−": "-", "–": "-", "→": "->", "×": "x", "…": "...", "’": "'", "“": '"', "”": '"'}


class Progress:
    """Show the progress of a task: as a bar on a terminal, as a line from time to time elsewhere.

    Use it as `with Progress("tokenising", total=N) as bar: bar.update(n)`. unit: texts, steps, or B for bytes.
    shown: without it, nothing is printed.
    """

    def __init__(self, task: str, total: int | None = None, unit: str = "texts", shown: bool = True) -> None:
        self.task, self.total, self.unit, self.is_shown = task, total, unit, shown
        self.done = 0

    def __enter__(self) -> Progress:
        self.started = self.shown = time.monotonic()
        self.bar = None
        if self.is_shown and sys.stderr.isatty() and not session.current().quiet:
            from tqdm import tqdm

            scale = self.unit == "B"
            self.bar = tqdm(total=self.total, desc=self.task, unit=self.unit, unit_scale=scale, leave=False)
        return self

    def update(self, increment: int) -> None:
        """Add `increment` units to what is done."""
        self.done += increment
        if self.bar is not None:
            self.bar.update(increment)
        elif self.is_shown and time.monotonic() - self.shown > SECONDS_BETWEEN_LINES:
            self.shown = time.monotonic()
            log(self._progress_line())

    def _progress_line(self) -> str:
        total = f" of {self.total:,}" if self.total else ""
        seconds = time.monotonic() - self.started
        return f"{self.task}: {self.done:,}{total} {self.unit}, {seconds:.0f} s"

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.close()


def make_output_printable() -> None:
    """Let standard output and standard error replace characters that their encoding has not, such as · in ASCII.

    Characters of tables get a substitute of the same meaning; others are printed as an escape sequence.
    """
    codecs.register_error("frostline_substitute", _substitute)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="frostline_substitute")


def _substitute(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    escaped = (IN_ASCII.get(c) or c.encode("ascii", "backslashreplace").decode() for c in characters)
    return "".join(escaped), error.end


def log(message: str) -> None:
    """Print a message to standard error, above a progress bar if there is one."""
    if session.current().quiet:
        return
    if sys.stderr.isatty():
        from tqdm import tqdm

        tqdm.write(message, file=sys.stderr)
    else:
        print(message, file=sys.stderr, flush=True)
