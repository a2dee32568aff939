"""The command line inside this process, which is much faster than a process of its own for each command.

A test module gets the fixture by ``frostline = in_process``.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from frostline import cli


@dataclass(frozen=True)
class Said:
    """What a command said: its exit status, standard output and standard error."""

    status: int
    out: str
    err: str

    def problems(self) -> list[str]:
        """The lines of an error message, less the headline."""
        return [line.strip() for line in self.err.splitlines() if line.startswith("  ")]


Command = Callable[..., Said]


@pytest.fixture
def in_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """``frostline("check", "seed=2")`` in an empty folder; what it does to this process is undone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(logging, "raiseExceptions", False)  # handlers of an earlier test's standard error

    def command(*words: str) -> Said:
        capfd.readouterr()
        status = 0
        try:
            cli.main(words)
        except SystemExit as end:
            status = int(end.code or 0)
        return Said(status, *capfd.readouterr())

    return command
