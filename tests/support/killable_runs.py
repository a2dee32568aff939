"""Runs in processes that a test can kill with SIGKILL.

Most are forked from a process that has imported all modules already, which saves 8 s. With `really` it is the
command that a user types.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from runs import differences

SECONDS = 400  # for what takes ten, where others are at work too
PRELOADED = ["frostline.sweeps.launch", "frostline.training.fit", "transformers.models.bert.modeling_bert"]


def forks() -> ForkServerContext:
    """Return a context that starts processes with all modules imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def _forked(words: list[str], environ: dict[str, str], folder: str, said: str) -> None:
    """Run the command in a forked process, with its output in a file."""
    os.chdir(folder)
    os.environ.clear()  # of what the test that started the server had set
    os.environ.update(environ)
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    import torch

    torch.set_num_threads(1)
    from frostline import cli

    cli.main(words)


def soon(happens: Callable[[], Any]) -> bool:
    """Wait for a condition, and return whether it became true."""
    end = time.monotonic() + SECONDS
    while not happens() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(happens())


class Attempt:
    """A process that runs a command in the current folder."""

    def __init__(self, *words: str, really: bool = False) -> None:
        self.file = Path(f"said-{time.monotonic_ns()}").absolute()
        self.process: Any = self._command(words) if really else self._fork(words)

    def _fork(self, words: tuple[str, ...]) -> Any:
        arguments = (list(words), dict(os.environ), str(Path.cwd()), str(self.file))
        process = forks().Process(target=_forked, args=arguments)
        process.start()
        return process

    def _command(self, words: tuple[str, ...]) -> Any:
        environ = os.environ | {"OMP_NUM_THREADS": "1"}
        with self.file.open("w") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "frostline", *words], stdout=said, stderr=said, env=environ, cwd=Path.cwd()
            )

    @property
    def status(self) -> int | None:
        """Return the exit status, minus the signal if the process was killed, or None while it runs."""
        ended = self.process.poll() if isinstance(self.process, subprocess.Popen) else self.process.exitcode
        return None if ended is None else int(ended)

    @property
    def said(self) -> str:
        return self.file.read_text() if self.file.exists() else ""

    def until(self, happens: Callable[[], Any]) -> None:
        """Wait for a condition while the process runs."""
        end = time.monotonic() + SECONDS
        while not happens():
            assert self.status is None, f"ended with {self.status} before it happened:\n{self.said}"
            assert time.monotonic() < end, f"it has not happened:\n{self.said}"
            time.sleep(0.002)

    def wait(self) -> int:
        end = time.monotonic() + SECONDS
        while self.status is None:
            assert time.monotonic() < end, self.said
            time.sleep(0.01)
        return self.status

    def stopped(self, where: Callable[[], bool]) -> bool:
        """Stop the process and return whether a condition is true; if it is not, the process continues."""
        os.kill(self.process.pid, signal.SIGSTOP)
        if not where():
            os.kill(self.process.pid, signal.SIGCONT)
        return where()

    def kill(self) -> None:
        """Kill the process with SIGKILL while it runs."""
        os.kill(self.process.pid, signal.SIGKILL)
        assert self.wait() == -9, self.said


@contextlib.contextmanager
def attempt(*words: str, really: bool = False) -> Iterator[Attempt]:
    """Run a command in a process that ends with the test."""
    one = Attempt(*words, really=really)
    try:
        yield one
    finally:
        if one.status is None:
            os.kill(one.process.pid, signal.SIGKILL)
            one.wait()


def complete(*words: str, really: bool = False) -> str:
    """Run a command that must succeed, and return its output."""
    with attempt(*words, really=really) as one:
        assert one.wait() == 0, one.said
        assert "Traceback" not in one.said
        return one.said


Moment = Callable[[Attempt], bool]


def epoch(number: int, of: int) -> Moment:
    """Return the condition that an epoch has ended."""
    return lambda one: f"epoch {number} of {of}: " in one.said


def kill_at(moment: Moment, *words: str) -> None:
    with attempt(*words) as one:
        one.until(lambda: moment(one))
        one.kill()


def differences_after_kills(words: Sequence[str], *moments: Moment) -> list[str]:
    """Return how a run that is killed at each of these moments differs at its end from an undisturbed one."""
    complete(*words, "hydra.run.dir=whole")
    for moment in moments:
        kill_at(moment, *words, "hydra.run.dir=killed")
    complete(*words, "hydra.run.dir=killed")
    return differences("killed", "whole")
