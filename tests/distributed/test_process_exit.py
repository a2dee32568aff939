"""A rank's process runs its exit handlers, keeps its exit status and does not finalize the interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from frostline.distributed.ranks import RANK
from frostline.results.atomic_files import read_json

# A module's variables are deleted when the interpreter is finalized.
MARKER = """
import atexit, os, sys
class Marker:
    def __del__(self) -> None:
        os.write(1, b"finalized\\n")
marker = Marker()
"""
EXIT = """
from frostline.distributed.process_exit import ProcessExit
process_exit = ProcessExit()
atexit.register(print, "handler")
print("output")
"""
RANK_OF_A_RUN = """
from frostline.training import rank, run
def train_rank(folder):
    if folder.name == "broken":
        raise ArithmeticError("one and one is three")
    print("trained")
run.train_rank = train_rank
rank.main()
"""


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a process whose standard input stays open, as that of a rank does."""
    command = [sys.executable, "-c", MARKER + code, *arguments]
    reader, writer = os.pipe()
    try:
        return subprocess.run(command, capture_output=True, text=True, stdin=reader, timeout=60, check=False)
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize("status", [0, 3])
def test_exit_handlers_run_and_the_interpreter_is_not_finalized(status: int) -> None:
    done = python(EXIT + f"process_exit.status = {status}")
    assert (done.returncode, done.stdout, done.stderr) == (status, "output\nhandler\n", "")


@pytest.mark.parametrize(("code", "status"), [("", 0), ("sys.exit(143)", 143), ("raise ArithmeticError", 1)])
def test_without_a_status_the_process_ends_as_usual(code: str, status: int) -> None:
    done = python(EXIT + code)
    assert (done.returncode, done.stdout) == (status, "output\nhandler\nfinalized\n")


def test_a_rank_is_not_finalized_when_it_succeeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finalization would end gloo threads that wait for the GIL, which aborts the process."""
    monkeypatch.setenv(RANK, "0")
    done = python(RANK_OF_A_RUN, str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "trained\n", "")


def test_a_rank_that_fails_leaves_its_reason_and_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RANK, "1")
    (folder := tmp_path / "broken").mkdir()
    done = python(RANK_OF_A_RUN, str(folder))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert read_json(folder / ".rank1.json")["what"] == "ArithmeticError: one and one is three"
