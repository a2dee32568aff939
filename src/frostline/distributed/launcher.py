"""The launcher of a run's ranks: each is a process that trains this run and nothing else.

Lightning's launcher repeats the command line in each child process, which in a sweep would repeat the sweep. Here the
process of the command is no rank itself. It starts all ranks on the run's folder with the resolved config, waits for
them, and ends all of them when one has died.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import asdict
from pathlib import Path

from frostline.console import log
from frostline.distributed.ranks import ADDRESS, PORT, RANK, RANK_VARIABLES, RANKS, started_rank
from frostline.distributed.resources import thread_count
from frostline.errors import FrostlineError, Problem, RankError, UserError, innermost_calls
from frostline.results.atomic_files import read_json, write_json

# A rank imports what this process can import, in the same order: no file of the working folder replaces one of Python.
RANK_SCRIPT = (
    "import os, sys; sys.path[:] = sys.argv.pop(1).split(os.pathsep); from frostline.training.rank import main; main()"
)


def launch_ranks(folder: Path, count: int) -> None:
    """Run `count` ranks on the run in `folder` until all have ended without error.

    Raises:
        RankError: a rank ended early, with its reason; the other ranks have been ended.
        UserError: a rank was stopped by a mistake of the user.
    """
    port = free_port()
    ranks = [_start_rank(folder, rank, count, port) for rank in range(count)]
    try:
        failed = _wait_for(folder, ranks)
    finally:
        _end_all(ranks)
    if failed is not None:
        raise _failure_of(folder, failed, ranks)


def record_reason(folder: Path, error: Exception) -> None:
    """Write the reason why this rank ends, for the process that has started it."""
    rank = started_rank()
    assert rank is not None
    is_ours = isinstance(error, FrostlineError)
    reason = {
        "what": str(error) if is_ours else f"{type(error).__name__}: {error}",
        "problems": [asdict(problem) for problem in error.problems] if isinstance(error, UserError) else [],
        "where": innermost_calls(error),
        "trace": "" if is_ours else "".join(traceback.format_exception(error)).rstrip(),
    }
    write_json(_reason_file(folder, rank), reason)


def exit_with_launcher() -> None:
    """End this rank when the process that has started it is gone, which closes its standard input."""

    def read_to_end() -> None:
        while os.read(0, 1024):
            pass
        os._exit(1)

    threading.Thread(target=read_to_end, daemon=True).start()


def free_port() -> int:
    """Return a free port below the range from which the system assigns ports.

    The first rank uses it only after importing torch, so an assigned port could be taken by then.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _start_rank(folder: Path, rank: int, count: int, port: int) -> subprocess.Popen[bytes]:
    variables = {RANK: str(rank), RANKS: str(count), ADDRESS: "127.0.0.1", PORT: str(port)}
    variables |= {"OMP_NUM_THREADS": thread_count(count)}
    _reason_file(folder, rank).unlink(missing_ok=True)
    # Standard input is for exit_with_launcher. In a new session a rank can be ended with all of its child processes.
    command = [sys.executable, "-P", "-c", RANK_SCRIPT, os.pathsep.join(filter(None, sys.path)), str(folder)]
    inherited = {name: value for name, value in os.environ.items() if name not in RANK_VARIABLES}
    environ = {"TORCH_CPP_LOG_LEVEL": "ERROR"} | inherited | variables
    return subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, start_new_session=True)


def _wait_for(folder: Path, ranks: list[subprocess.Popen[bytes]]) -> int | None:
    """Return the first rank that has failed, or None when all ranks have ended without error.

    When a rank dies, the others fail soon after. A rank that was killed by a signal ends before the others record a
    reason; among ranks with a reason, also those that are still running, the first one is the cause.
    """

    def time_of_reason(rank: int) -> float:
        file = _reason_file(folder, rank)
        return file.stat().st_mtime if file.exists() else 0.0

    while True:
        states = [rank.poll() for rank in ranks]
        failed = [i for i, state in enumerate(states) if state]
        if failed:
            return min(failed + [i for i in range(len(ranks)) if _reason_file(folder, i).exists()], key=time_of_reason)
        if all(state == 0 for state in states):
            return None
        time.sleep(0.05)


def _end_all(ranks: list[subprocess.Popen[bytes]]) -> None:
    for rank in ranks:
        if rank.stdin is not None:
            rank.stdin.close()
    for rank in ranks:
        if rank.poll() != 0:  # its child processes may still run when it has ended
            with contextlib.suppress(ProcessLookupError):
                os.killpg(rank.pid, signal.SIGKILL)
        rank.wait()


def _failure_of(folder: Path, rank: int, ranks: list[subprocess.Popen[bytes]]) -> FrostlineError:
    """Return the error of a failed rank and delete the reasons of all ranks, also incomplete ones."""
    reason = read_json(_reason_file(folder, rank)) if _reason_file(folder, rank).exists() else None
    for i in range(len(ranks)):
        for file in folder.glob(f"*{_reason_file(folder, i).name}*"):
            file.unlink(missing_ok=True)
    if reason is None:
        status = ranks[rank].returncode
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return RankError(f"rank {rank}: {how}; start the same command again, it continues from its last checkpoint")
    if reason["problems"]:
        return UserError(Problem(**problem) for problem in reason["problems"])
    if reason["trace"]:
        log(reason["trace"])
    return RankError(f"rank {rank}: {reason['what']}", reason["where"])


def _reason_file(folder: Path, rank: int) -> Path:
    return folder / f".rank{rank}.json"
