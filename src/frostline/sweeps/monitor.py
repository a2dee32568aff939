"""A sweep that is under way, for the person who waits: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frostline.console import say
from frostline.results.sweep_status import SweepStatus, standing

SECONDS = 1.0  # between two looks
SECONDS_BETWEEN_LINES = 30.0


@contextmanager
def watched(sweep: Path) -> Iterator[None]:
    """Show how far the sweep is, from its ledger: its jobs may be in any process."""
    over = threading.Event()
    show = _bar if sys.stderr.isatty() else _lines
    watcher = threading.Thread(target=show, args=(sweep, over), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _looks(sweep: Path, over: threading.Event) -> Iterator[SweepStatus]:
    while not over.wait(SECONDS):
        yield standing(sweep, time.time())


def _bar(sweep: Path, over: threading.Event) -> None:
    from tqdm import tqdm

    with tqdm(bar_format="{desc} [{elapsed}]", leave=False, dynamic_ncols=True) as bar:
        for now in _looks(sweep, over):
            bar.set_description_str(f"sweep: {now}")


def _lines(sweep: Path, over: threading.Event) -> None:
    ended, said = 0, time.monotonic()
    for now in _looks(sweep, over):
        if len(now.ended) != ended and time.monotonic() - said > SECONDS_BETWEEN_LINES:
            ended, said = len(now.ended), time.monotonic()
            say(f"sweep: {now}")
