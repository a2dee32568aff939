"""The runs of a study, made part by part: first what is tried, then all seeds at what was chosen."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from frostline.config import job_list as listed
from frostline.config.fusable import fusable_groups
from frostline.console import log
from frostline.errors import FrostlineError
from frostline.reproduce.study.attempts import Attempt, Attempts
from frostline.reproduce.study.cells import parts
from frostline.results.atomic_files import write_text

LISTS = ".study"  # in the study's folder of runs


def make(attempts: Attempts) -> Iterator[None]:
    """Do what is wanted and not complete; after each part there is a pause, in which results can be written.

    Raises:
        FrostlineError: a sweep or a script ended before its jobs did.
    """
    study = attempts.study
    for part in parts(study, attempts.wanted):
        _do(study.folder, [attempt for cell in part for attempt in attempts.tried(cell)], "rates")
        _do(study.folder, attempts.seeded(part, attempts.seeds), "seeds")
        yield


def _do(folder: Path, wanted: Sequence[Attempt], stage: str) -> None:
    """Runs of ours in one sweep; those of a script by one call of it."""
    left = [attempt for attempt in wanted if not attempt.complete]
    if done := len(wanted) - len(left):
        log(f"{done} of {len(wanted)} runs complete since earlier")
    _sweep([attempt for attempt in left if not attempt.cell.arm.script], stage)
    for script in dict.fromkeys(attempt.cell.arm.script for attempt in left if attempt.cell.arm.script):
        _script(folder / script, [attempt for attempt in left if attempt.cell.arm.script == script], stage)


def _sweep(left: Sequence[Attempt], stage: str) -> None:
    if not left:
        return
    fused = any(group.reason is None for group in fusable_groups([attempt.job.config for attempt in left]))
    file = _list(left, stage, [attempt.job.overrides for attempt in left])
    words = ["-m", "hydra/sweeper=listed", f"hydra.sweeper.file={file}", *(["hydra/launcher=fused"] if fused else [])]
    log(f"{len(left)} runs: frostline {shlex.join(words)}")
    _run([sys.executable, "-m", "frostline", *words])


def _script(script: Path, left: Sequence[Attempt], stage: str) -> None:
    """It is given a file as of a sweep, in which the folder of each run stands first."""
    lines = [[str(attempt.folder), *attempt.job.overrides] for attempt in left]
    file = _list(left, f"{stage}-{script.stem}", lines)
    log(f"{len(left)} runs: python {script} {file}")
    _run([sys.executable, str(script), str(file)])


def _list(left: Sequence[Attempt], name: str, lines: Sequence[Sequence[str]]) -> Path:
    file = left[0].job.folder.parent / LISTS / f"{name}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, listed.format_jobs(lines))
    return file


def _run(words: Sequence[str]) -> None:
    """Some runs of it may fail, which is told at the end; the rest goes on."""
    with subprocess.Popen(words) as process, _left_to(process):
        status = process.wait()
    if status not in (0, 1):
        error = FrostlineError(
            f"{shlex.join(words)} ended with status {status}; see above; the same command goes on from there"
        )
        error.status = status if status > 0 else 128 - status
        raise error


@contextmanager
def _left_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ctrl-C reaches the sweep by itself, which ends in good order; SIGTERM is passed on, or nobody would end it."""
    handlers: dict[int, Callable[..., None]] = {
        signal.SIGINT: lambda *_: None,
        signal.SIGTERM: lambda *_: process.terminate(),
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
