"""`frostline status`: print the progress of a sweep that runs elsewhere, on this machine or another."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from frostline.errors import Problem, UserError
from frostline.options import OptionParser, add_paths
from frostline.results import sweep_log
from frostline.results.home_paths import expand_home
from frostline.results.summary_table import FAILED
from frostline.results.sweep_status import SweepStatus, format_seconds, read_status

BEST = 5  # jobs that are listed
PARSER = OptionParser("status", "Print the progress of the last sweep in a folder.", usage="[FOLDER]")
add_paths(PARSER, "FOLDER", "the folder of a sweep, of a study or of all runs; runs by default")


def main(argv: list[str]) -> int:
    """Print the progress of a sweep.

    Raises:
        UserError: there is no sweep in the folder.
    """
    folders = PARSER.parse_or_raise(argv).paths
    if len(folders) > 1:
        raise _problem(folders[1], "status takes one folder", "give one at a time")
    folder = expand_home(folders[0] if folders else "runs", "status")
    if not folder.is_dir():
        raise _problem(str(folder), "is no folder", "give the folder of a study or a sweep")
    sweeps = sweep_log.find_sweeps(folder)
    if not sweeps:
        raise _problem(str(folder), "contains no sweep", "give the folder of one started with frostline -m")
    print("\n".join(progress_lines(read_status(sweeps[-1], time.time()))))
    return 0


def progress_lines(now: SweepStatus) -> list[str]:
    """Return lines on the command, its progress, the running jobs, the best ones, and those that failed."""
    best = [f"  {job.value:.3f}  {now.label(job)}" for job in now.ranked[:BEST]]
    return [
        now.header.command,
        f"{now} ({_activity(now)})",
        *(f"  running for {format_seconds(now.now - job.at)}: {Path(job.folder).name}" for job in now.running),
        *([f"best {now.header.monitor}:", *best] if len(best) > 1 else []),
        *(f"  failed: {Path(job.row.folder).name}: {job.row.error}" for job in now.finished if job.row.how == FAILED),
    ]


def _activity(now: SweepStatus) -> str:
    """Return whether a process works on the sweep, as far as this machine can see."""
    if now.waiting == 0 and not now.running:
        return "ended"
    since = max([now.header.at, *(job.at for job in now.finished), *(job.at for job in now.running)])
    last = f"last activity {format_seconds(now.now - since)} ago"
    if now.header.host != socket.gethostname():
        return f"on {now.header.host}, {last}"
    if _process_exists(now.header.pid):
        return f"process {now.header.pid}"
    return f"stopped, repeat the same command to continue; {last}"


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _problem(key: str, what: str, remedy: str) -> UserError:
    return UserError(Problem(key, what, remedy), "command")
