"""Several ranks of one run, each a process that does this run and nothing else.

Lightning's own launcher repeats the command line in each child, which under a sweep repeats the sweep. Here the
process that was asked for the run is no rank itself: it starts all of them on the run's folder, in which the resolved
config lies, watches them, and ends them all when one dies. Nothing of them stays behind in it.
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
from frostline.distributed import resources as share
from frostline.errors import FrostlineError, Problem, RankError, UserError, innermost_calls
from frostline.results.atomic_files import read_json, write_json

RANK, RANKS, ADDRESS, PORT = "FROSTLINE_RANK", "FROSTLINE_RANKS", "FROSTLINE_ADDRESS", "FROSTLINE_PORT"


def outside() -> int | None:
    """How many ranks torchrun, or Slurm with several tasks a step, has started already; None where nobody has."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return int(os.environ["WORLD_SIZE"])
    tasks = int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))
    return tasks if tasks > 1 and own() is None else None


def nodes() -> int:
    """How many machines those ranks are on, as many on each; torchrun calls them groups."""
    if outside() is None:
        return 1
    return int(os.environ.get("GROUP_WORLD_SIZE") or os.environ.get("SLURM_STEP_NUM_NODES") or 1)


def outside_rank() -> int:
    """Which of them this process is."""
    return int(os.environ.get("RANK") or os.environ.get("SLURM_PROCID") or 0)


def own() -> int | None:
    """The rank that this process is; None where it was not started as one."""
    return int(os.environ[RANK]) if RANK in os.environ else None


def launch(folder: Path, count: int) -> None:
    """Run `count` ranks on the run in `folder` until all have ended well.

    Raises:
        RankError: a rank ended early; the others have been ended too. Carries the rank's own reason.
        UserError: a rank was stopped by a mistake of the user's.
    """
    port = _free_port()
    ranks = [_start(folder, rank, count, port) for rank in range(count)]
    try:
        first = _wait(folder, ranks)
    finally:
        _end(ranks)
    if first is not None:
        raise _error(folder, first, ranks)


def _start(folder: Path, rank: int, count: int, port: int) -> subprocess.Popen[bytes]:
    told = {RANK: str(rank), RANKS: str(count), ADDRESS: "127.0.0.1", PORT: str(port)}
    threads = share.thread_count(count)
    path = os.pathsep.join(p for p in sys.path if p)
    environ = {"TORCH_CPP_LOG_LEVEL": "ERROR"} | os.environ | told | {"PYTHONPATH": path, "OMP_NUM_THREADS": threads}
    _reason(folder, rank).unlink(missing_ok=True)
    # A rank reads its standard input to its end to learn that we are gone; a session of its own makes it easy to end.
    command = [sys.executable, "-m", "frostline.training.rank", str(folder)]
    return subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, start_new_session=True)


def _wait(folder: Path, ranks: list[subprocess.Popen[bytes]]) -> int | None:
    """The first rank that ended badly, or None when all have ended well.

    A rank that dies takes its peers with it within moments: a signal comes before the peers' complaints, and of
    those that complain, be they still on their way out, the first knows why.
    """

    def when(rank: int) -> float:
        reason = _reason(folder, rank)
        return reason.stat().st_mtime if reason.exists() else 0.0

    while True:
        states = [rank.poll() for rank in ranks]
        bad = [i for i, state in enumerate(states) if state]
        if bad:
            return min(bad + [i for i in range(len(ranks)) if _reason(folder, i).exists()], key=when)
        if all(state == 0 for state in states):
            return None
        time.sleep(0.05)


def _end(ranks: list[subprocess.Popen[bytes]]) -> None:
    for rank in ranks:
        if rank.stdin is not None:
            rank.stdin.close()
    for rank in ranks:
        if rank.poll() != 0:  # it may be gone and what it has started may not
            with contextlib.suppress(ProcessLookupError):
                os.killpg(rank.pid, signal.SIGKILL)
        rank.wait()


def _error(folder: Path, rank: int, ranks: list[subprocess.Popen[bytes]]) -> FrostlineError:
    told = read_json(_reason(folder, rank)) if _reason(folder, rank).exists() else None
    for i in range(len(ranks)):
        for file in folder.glob(f"*{_reason(folder, i).name}*"):  # and what a rank had of it when it was ended
            file.unlink(missing_ok=True)
    if told is None:
        status = ranks[rank].returncode
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return RankError(f"rank {rank}: {how}; start the same command again, it goes on from its last checkpoint")
    if told["problems"]:
        return UserError(Problem(**problem) for problem in told["problems"])
    if told["trace"]:
        log(told["trace"])
    return RankError(f"rank {rank}: {told['what']}", told["where"])


def leave_reason(folder: Path, error: Exception) -> None:
    """Say why this rank ends, to the process that started it."""
    rank = own()
    assert rank is not None
    known = isinstance(error, FrostlineError)
    reason = {
        "what": str(error) if known else f"{type(error).__name__}: {error}",
        "problems": [asdict(problem) for problem in error.problems] if isinstance(error, UserError) else [],
        "where": innermost_calls(error),
        "trace": "" if known else "".join(traceback.format_exception(error)).rstrip(),
    }
    write_json(_reason(folder, rank), reason)


def _reason(folder: Path, rank: int) -> Path:
    """Where a rank says why it ended."""
    return folder / f".rank{rank}.json"


def _free_port() -> int:
    """Below those that the system gives to whoever asks: the first rank takes it only when it has torch."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def watch_parent() -> None:
    """End this rank when the process that started it is gone."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
