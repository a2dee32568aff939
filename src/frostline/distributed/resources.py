"""The division of a machine's cores and GPUs among the jobs that run on it at the same time.

The process that starts the workers gives each of them the number of jobs (`worker_environment`). A worker takes its
part when it starts a job (`allocate`).
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
    """Return environment variables for workers of this machine that run `jobs` jobs at the same time."""
    return {SHARE: json.dumps({"jobs": jobs, "threads": os.environ.get(THREADS), "gpus": visible_gpus()})}


def slurm_environment() -> dict[str, str]:
    """Return environment variables for a job that gets its part of a machine from Slurm."""
    return {SHARE: json.dumps({"jobs": 1, "threads": os.environ.get(THREADS), "gpus": []})}


def allocate(trainer: Mapping[str, Any]) -> None:
    """Set threads and GPUs of this process for a job with these Trainer settings.

    Nothing is changed in a process without the variables of `worker_environment`.
    """
    if SHARE not in os.environ:
        return
    share = _share()
    os.environ[THREADS] = thread_count()
    if "torch" in sys.modules:  # in a worker that has run another job before
        sys.modules["torch"].set_num_threads(int(thread_count()))
    if share["gpus"] and trainer["accelerator"] != "cpu":
        even = max(len(share["gpus"]) // share["jobs"], 1)
        wanted = even if trainer["devices"] == "auto" else int(trainer["devices"])
        os.environ[GPUS] = ",".join(lock_gpus(wanted, share["gpus"], _lock_folder()))


def thread_count(processes: int = 1) -> str:
    """Return the number of threads of each process of a job: as the user has set it, else its part of the cores."""
    share = _share()
    return share["threads"] or str(max(_core_count() // share["jobs"] // processes, 1))


def lock_gpus(wanted: int, gpus: Sequence[str], folder: Path) -> list[str]:
    """Lock GPUs until this process ends, and return their names.

    A process keeps the GPUs that it has, because it cannot change to others after using them. Beyond these it takes the
    GPUs with the fewest locks. The number of a job does not determine which GPU is free, because jobs differ in length.
    folder: for the locks of all processes that share the GPUs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    locks = session.current().locks.gpus
    with (folder / "choosing").open("a") as choosing:
        fcntl.flock(choosing, fcntl.LOCK_EX)
        others = _least_used([gpu for gpu in gpus if gpu not in locks], folder)
        for gpu in others[: max(wanted - len(locks), 0)]:
            locks[gpu] = _lock_gpu(gpu, folder)[1]
    return list(locks)[:wanted]


def visible_gpus() -> list[str]:
    """Return the GPUs of this process as CUDA_VISIBLE_DEVICES names them.

    torch is not asked: it would initialise CUDA, after which the variable has no effect.
    """
    if (visible := os.environ.get(GPUS)) is not None:
        return [name.strip() for name in visible.split(",") if name.strip() not in ("", "-1")]
    try:
        output = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return []
    return re.findall(r"^GPU \d+: .*UUID: (GPU-[\w-]+)", output, re.MULTILINE)


def _share() -> dict[str, Any]:
    all_resources: dict[str, Any] = {"jobs": 1, "threads": os.environ.get(THREADS), "gpus": []}
    return json.loads(os.environ[SHARE]) if SHARE in os.environ else all_resources


def _core_count() -> int:
    """Return the number of cores that this process may use."""
    if "SLURM_JOB_ID" in os.environ:
        tasks = int(os.environ.get("SLURM_NTASKS_PER_NODE", "1"))
        cores = os.environ.get("SLURM_CPUS_PER_TASK") or int(os.environ.get("SLURM_CPUS_ON_NODE", "1")) // tasks
        return int(cores)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _lock_folder() -> Path:
    return Path(tempfile.gettempdir()) / f"frostline-gpus-{os.getuid()}"


def _least_used(gpus: Sequence[str], folder: Path) -> list[str]:
    """Return GPUs in the order of their number of locks."""
    users = {}
    for gpu in gpus:
        users[gpu], lock = _lock_gpu(gpu, folder)
        lock.close()
    return sorted(gpus, key=users.__getitem__)


def _lock_gpu(gpu: str, folder: Path) -> tuple[int, IO[str]]:
    """Return the number of locks on a GPU and another lock on it, which the system frees when this process ends."""
    number, name = 0, re.sub(r"[^\w-]", "_", gpu)
    while True:
        file = (folder / f"{name}.{number}").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            number += 1
        else:
            return number, file
