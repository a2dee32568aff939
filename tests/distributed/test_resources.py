"""Cores and GPUs are shared out among processes; no GPU is needed to see who chooses which."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from frostline.distributed import resources as share

CARDS = ["0", "1", "2", "3"]
WORKER = """
import json, os, sys
from frostline.distributed import resources as share
for line in sys.stdin:
    share.allocate(json.loads(line))
    print(json.dumps([os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ["OMP_NUM_THREADS"]]), flush=True)
"""


class Worker:
    """A process that does one job after the other, as far as their share of the machine goes."""

    def __init__(self, **environ: str) -> None:
        pipe = subprocess.PIPE
        words = [sys.executable, "-c", WORKER]
        self.process = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, env=os.environ | environ)

    def job(self, devices: int | str = 1, accelerator: str = "auto") -> tuple[list[str], int]:
        """The GPUs and the threads that a job is given."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"devices": devices, "accelerator": accelerator}) + "\n")
        self.process.stdin.flush()
        gpus, threads = json.loads(self.process.stdout.readline())
        return gpus.split(","), int(threads)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def workers(count: int, **environ: str) -> Iterator[list[Worker]]:
    several = [Worker(**environ) for _ in range(count)]
    try:
        yield several
    finally:
        for one in several:
            one.kill()


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four cards, and locks of this test's own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(CARDS))
    for name in ("OMP_NUM_THREADS", "SLURM_JOB_ID", share.SHARE):
        monkeypatch.delenv(name, raising=False)


def test_each_worker_has_a_gpu_of_its_own_for_all_its_jobs() -> None:
    with workers(4, **share.worker_environment(4)) as several:
        first = [one.job()[0] for one in several]
        assert sorted(gpu for gpus in first for gpu in gpus) == CARDS
        for _ in range(3):  # in whatever order they come to their next jobs
            assert [one.job()[0] for one in reversed(several)] == first[::-1]


def test_a_worker_that_is_killed_leaves_its_gpu_to_the_next() -> None:
    with workers(4, **share.worker_environment(4)) as several, workers(1, **share.worker_environment(4)) as [new]:
        gpus = [one.job()[0] for one in several]
        several[2].kill()
        assert new.job()[0] == gpus[2]


def test_more_workers_than_gpus_spread_over_them_evenly() -> None:
    with workers(6, **share.worker_environment(6)) as several:
        users = [one.job()[0][0] for one in several]
    assert sorted(users.count(gpu) for gpu in CARDS) == [1, 1, 2, 2]


def test_another_sweep_s_gpus_are_taken_last() -> None:
    with workers(3, **share.worker_environment(3)) as theirs, workers(1, **share.worker_environment(1)) as [ours]:
        taken = {one.job()[0][0] for one in theirs}
        [gpu] = ours.job()[0]
        assert gpu not in taken and len(taken) == 3


def test_jobs_of_several_devices_get_so_many_and_share_none() -> None:
    with workers(2, **share.worker_environment(2)) as (one, other):
        first, second = one.job(devices=2)[0], other.job(devices="auto")[0]  # auto: its part, half of four
        assert len(first) == len(second) == 2
        assert sorted(first + second) == CARDS
        assert one.job(devices=1)[0] == first[:1]
        more = one.job(devices=3)[0]  # than there are free: one of the other's
        assert len(set(more)) == 3 and more[:2] == first


def test_workers_that_choose_at_the_same_moment_choose_differently() -> None:
    with workers(4, **share.worker_environment(4)) as several:
        for one in several:
            assert one.process.stdin is not None
            one.process.stdin.write(json.dumps({"devices": 1, "accelerator": "gpu"}) + "\n")
        for one in several:
            one.process.stdin.flush()  # type: ignore[union-attr]
        chosen = [json.loads(one.process.stdout.readline())[0] for one in several]  # type: ignore[union-attr]
    assert sorted(chosen) == CARDS


def test_a_job_on_the_cpu_takes_no_gpu() -> None:
    with workers(1, **share.worker_environment(2)) as [one]:
        assert one.job(accelerator="cpu")[0] == CARDS
    assert not list(Path(os.environ["TMPDIR"]).rglob("*.0"))


def test_no_gpu_is_visible_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for named in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
        assert share.visible_gpus() == []


LISTED = """#!/bin/sh
echo "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)"
echo "  MIG 1g.5gb Device 0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)"
echo "GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-6d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a78)"
"""


def test_the_driver_names_the_gpus_that_nobody_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert share.visible_gpus() == []
    (tmp_path / "nvidia-smi").write_text(LISTED)
    (tmp_path / "nvidia-smi").chmod(0o755)
    assert [gpu[:12] for gpu in share.visible_gpus()] == ["GPU-5d5ba0d6", "GPU-6d5ba0d6"]


def test_cores_are_divided_by_the_jobs_and_a_job_s_by_its_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = len(os.sched_getaffinity(0))
    with workers(1, **share.worker_environment(2)) as [one]:
        assert one.job()[1] == max(cores // 2, 1)
    monkeypatch.setenv("SLURM_JOB_ID", "1")  # which has given this job 12 cores
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "12")
    for name, value in share.worker_environment(2).items():
        monkeypatch.setenv(name, value)
    assert (share.thread_count(), share.thread_count(3), share.thread_count(9)) == ("6", "2", "1")
    monkeypatch.delenv("SLURM_CPUS_PER_TASK")
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "8")
    monkeypatch.setenv("SLURM_NTASKS_PER_NODE", "2")
    assert share.thread_count() == "2"


def test_the_user_s_own_number_of_threads_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    told = share.worker_environment(2)
    with workers(1, **told | {"OMP_NUM_THREADS": "1"}) as [one]:  # joblib gives its workers numbers of its own
        assert one.job()[1] == 7
    assert share.thread_count(3) == "7"


def test_a_worker_that_has_torch_already_changes_its_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    before = torch.get_num_threads()
    told = share.worker_environment(1000)
    for name, value in (told | {"OMP_NUM_THREADS": "3"}).items():
        monkeypatch.setenv(name, value)
    torch.set_num_threads(5)
    try:
        share.allocate({"devices": 1, "accelerator": "cpu"})
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_a_run_by_itself_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ)
    share.allocate({"devices": 4, "accelerator": "gpu"})
    assert dict(os.environ) == before
