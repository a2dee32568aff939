"""Cores and GPUs of one machine, shared out among the jobs that are at work on it at once.

The process that starts the workers tells them how many there are (`told`); each takes its share at its job (`take`).
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from frostline import session

SHARE, THREADS, GPUS = "FROSTLINE_SHARE", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"


def worker_environment(jobs: int) -> dict[str, str]:
    """For the environment of workers on this machine, `jobs` of them at once."""
    return {SHARE: json.dumps({"jobs": jobs, "threads": os.environ.get(THREADS), "gpus": visible_gpus()})}


def slurm_environment() -> dict[str, str]:
    """For a job that has its part of a machine from Slurm."""
    return {SHARE: json.dumps({"jobs": 1, "threads": os.environ.get(THREADS), "gpus": []})}


def allocate(trainer: Mapping[str, Any]) -> None:
    """Threads and GPUs for a job with these settings, where it is one of several; else nothing is changed."""
    if SHARE not in os.environ:
        return
    share = _share()
    os.environ[THREADS] = thread_count()
    if "torch" in sys.modules:  # a worker that has done a job before
        sys.modules["torch"].set_num_threads(int(thread_count()))
    if share["gpus"] and trainer["accelerator"] != "cpu":
        usual = max(len(share["gpus"]) // share["jobs"], 1)
        wanted = usual if trainer["devices"] == "auto" else int(trainer["devices"])
        os.environ[GPUS] = ",".join(lock_gpus(wanted, share["gpus"], _place()))


def thread_count(processes: int = 1) -> str:
    """Of each process of a job: what the user has set, else its part of the job's cores."""
    share = _share()
    return share["threads"] or str(max(_cores() // share["jobs"] // processes, 1))


def lock_gpus(wanted: int, gpus: Sequence[str], place: Path) -> list[str]:
    """So many of the GPUs for as long as this process lives: those that it has, then those that fewest others have.

    A process that has used a GPU cannot change to another; and jobs take unequal time, so that their numbers say
    nothing about which GPU is free. place: where processes that share the GPUs keep their locks.
    """
    place.mkdir(parents=True, exist_ok=True)
    locks = session.current().locks.gpus
    with (place / "choosing").open("a") as choosing:
        fcntl.flock(choosing, fcntl.LOCK_EX)
        for gpu in _least_used([gpu for gpu in gpus if gpu not in locks], place)[: max(wanted - len(locks), 0)]:
            locks[gpu] = _lock(gpu, place)[1]
    return list(locks)[:wanted]


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them. Asking torch would settle which."""
    if (named := os.environ.get(GPUS)) is not None:
        return [word.strip() for word in named.split(",") if word.strip() not in ("", "-1")]
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return []
    return re.findall(r"^GPU \d+: .*UUID: (GPU-[\w-]+)", listed, re.MULTILINE)


def _share() -> dict[str, Any]:
    alone: dict[str, Any] = {"jobs": 1, "threads": os.environ.get(THREADS), "gpus": []}
    return json.loads(os.environ[SHARE]) if SHARE in os.environ else alone


def _cores() -> int:
    """Those that this process may use."""
    if "SLURM_JOB_ID" in os.environ:
        tasks = int(os.environ.get("SLURM_NTASKS_PER_NODE", "1"))
        given = os.environ.get("SLURM_CPUS_PER_TASK") or int(os.environ.get("SLURM_CPUS_ON_NODE", "1")) // tasks
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _place() -> Path:
    return Path(tempfile.gettempdir()) / f"frostline-gpus-{os.getuid()}"


def _least_used(gpus: Sequence[str], place: Path) -> list[str]:
    users = {}
    for gpu in gpus:
        users[gpu], lock = _lock(gpu, place)
        lock.close()
    return sorted(gpus, key=users.__getitem__)


def _lock(gpu: str, place: Path) -> tuple[int, IO[str]]:
    """A lock on the GPU, and how many others there are. The system frees it when its process ends in whatever way."""
    number, name = 0, re.sub(r"[^\w-]", "_", gpu)
    while True:
        file = (place / f"{name}.{number}").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            number += 1
        else:
            return number, file
