"""Execute the runs of a study group by group: the search of each cell first, then all seeds."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from frostline.config.fusable import fusable_groups
from frostline.config.job_list import format_jobs
from frostline.console import log
from frostline.errors import FrostlineError
from frostline.reproduce.study.cells import group_by_first_key
from frostline.reproduce.study.outcome import record_choices
from frostline.reproduce.study.runs import StudyRun, StudyRuns
from frostline.results.atomic_files import write_text
from frostline.results.study_record import FOLDER


def make_runs(runs: StudyRuns) -> Iterator[None]:
    """Execute the requested runs that are not complete; yield after each group, so that results can be written.

    Raises:
        FrostlineError: a sweep or a script was interrupted.
    """
    study = runs.study
    for group in group_by_first_key(study, runs.requested):
        record_choices(runs)
        _execute_missing(study.folder, [run for cell in group for run in runs.search_runs(cell)], "rates")
        record_choices(runs)
        for line in filter(None, map(runs.describe_selection, group)):
            log(line)
        _execute_missing(study.folder, runs.seed_runs(group, runs.seeds), "seeds")
        yield


def _execute_missing(folder: Path, runs: Sequence[StudyRun], stage: str) -> None:
    """Execute our runs in one sweep, and those of each script in one call of it."""
    missing = [run for run in runs if not run.is_complete]
    if complete := len(runs) - len(missing):
        log(f"{complete} of {len(runs)} runs are complete already")
    _sweep([run for run in missing if not run.cell.arm.script], stage)
    for script in dict.fromkeys(run.cell.arm.script for run in missing if run.cell.arm.script):
        _call_script(folder / script, [run for run in missing if run.cell.arm.script == script], stage)


def _sweep(runs: Sequence[StudyRun], stage: str) -> None:
    if not runs:
        return
    fused = any(group.reason is None for group in fusable_groups([run.job.config for run in runs]))
    file = _write_list(runs, stage, [run.job.overrides for run in runs])
    words = ["-m", "hydra/sweeper=listed", f"hydra.sweeper.file={file}", *(["hydra/launcher=fused"] if fused else [])]
    log(f"{len(runs)} runs: frostline {shlex.join(words)}")
    _run_command([sys.executable, "-P", "-m", "frostline", *words])


def _call_script(script: Path, runs: Sequence[StudyRun], stage: str) -> None:
    """Call a script with a list of runs: in each line the run folder, then the overrides."""
    lines = [[str(run.folder), *run.job.overrides] for run in runs]
    file = _write_list(runs, f"{stage}-{script.stem}", lines)
    log(f"{len(runs)} runs: python {script} {file}")
    _run_command([sys.executable, str(script), str(file)])


def _write_list(runs: Sequence[StudyRun], name: str, lines: Sequence[Sequence[str]]) -> Path:
    file = runs[0].job.folder.parent / FOLDER / f"{name}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, format_jobs(lines))
    return file


def _run_command(words: Sequence[str]) -> None:
    """Run a command; failed runs (status 1) do not end the study and are reported after it."""
    with subprocess.Popen(words) as process, _forwarded_signals(process):
        status = process.wait()
    if status not in (0, 1):
        error = FrostlineError(
            f"{shlex.join(words)} ended with status {status}; see above; the same command resumes the study"
        )
        error.status = status if status > 0 else 128 - status
        raise error


@contextmanager
def _forwarded_signals(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Wait for the sweep on Ctrl-C, which the terminal also sends to it, and forward SIGTERM to it."""
    handlers: dict[int, Callable[..., None]] = {
        signal.SIGINT: lambda *_: None,
        signal.SIGTERM: lambda *_: process.terminate(),
    }
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
