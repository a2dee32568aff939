"""The progress of a running sweep on standard error: a bar on a terminal, a line from time to time elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frostline.console import log
from frostline.results.sweep_status import SweepStatus, read_status

SECONDS_BETWEEN_READS = 1.0
SECONDS_BETWEEN_LINES = 30.0


@contextmanager
def show_progress(sweep: Path) -> Iterator[None]:
    """Show the progress of a sweep, read from its log because its jobs may run in other processes."""
    finished = threading.Event()
    show = _show_bar if sys.stderr.isatty() else _show_lines
    thread = threading.Thread(target=show, args=(sweep, finished), daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()


def _statuses(sweep: Path, finished: threading.Event) -> Iterator[SweepStatus]:
    while not finished.wait(SECONDS_BETWEEN_READS):
        yield read_status(sweep, time.time())


def _show_bar(sweep: Path, finished: threading.Event) -> None:
    from tqdm import tqdm

    with tqdm(bar_format="{desc} [{elapsed}]", leave=False, dynamic_ncols=True) as bar:
        for status in _statuses(sweep, finished):
            bar.set_description_str(f"sweep: {status}")


def _show_lines(sweep: Path, finished: threading.Event) -> None:
    count, shown = 0, time.monotonic()
    for status in _statuses(sweep, finished):
        if len(status.finished) != count and time.monotonic() - shown > SECONDS_BETWEEN_LINES:
            count, shown = len(status.finished), time.monotonic()
            log(f"sweep: {status}")
