"""A sweep of twelve jobs, some frozen and some not, killed again and again: it ends as an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import fused_sweeps
from fused_sweeps import SMALL, cost, results, results_unaffected_by_kills
from killable_runs import attempt, complete

FUSED = [*fused_sweeps.FUSED, *SMALL]
JOBS = ["freezing=frozen,full", "seed=1,2,3", "optimizer.lr=1e-3,1e-2"]


def costs(root: str) -> dict[str, Any]:
    """Of each complete job: a job that is trained again takes other seconds."""
    return {job: cost(run) for job, run in results("fused", root).items()}


def assert_as_undisturbed(root: str, chance: int) -> None:
    assert len(results_unaffected_by_kills("whole")) == 12
    assert results_unaffected_by_kills(root) == results_unaffected_by_kills("whole"), f"chance {chance}"
    left = [str(file) for file in Path(root).rglob("*") if file.suffix == ".part" or ".json." in file.name]
    assert left == []


@pytest.mark.slow
def test_a_sweep_killed_at_random_moments_ends_as_an_undisturbed_one() -> None:
    """What is complete is not trained again, and nothing is left half written."""
    seed = time.time_ns() % 1_000_000
    chance, words = random.Random(seed), [*FUSED, *JOBS]
    began = time.monotonic()
    complete(*words, "paths.runs=whole")
    whole = time.monotonic() - began
    before: dict[str, Any] = {}
    for _ in range(10):
        with attempt(*words, "paths.runs=killed") as one:
            end = time.monotonic() + chance.uniform(0.05, 0.6) * whole
            while one.status is None and time.monotonic() < end:
                time.sleep(0.01)
            if one.status is None:
                os.kill(one.process.pid, signal.SIGKILL)
            assert one.wait() in (0, -signal.SIGKILL), one.said  # 0: it came to its end first
        now = costs("killed")
        assert {job: now[job] for job in before} == before, f"chance {seed}"
        before = now
    complete(*words, "paths.runs=killed")
    assert {job: costs("killed")[job] for job in before} == before
    assert_as_undisturbed("killed", seed)


@pytest.mark.exhaustive
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("launcher", ["fused", "basic"])
def test_twenty_kills_of_the_whole_process_group(launcher: str) -> None:
    """The command as people type it. A sweep that comes to its end between two kills is followed by a new one."""
    seed = time.time_ns() % 1_000_000
    chance = random.Random(seed)
    words = [word.replace("launcher=fused", f"launcher={launcher}") for word in (*FUSED, *JOBS)]
    began = time.monotonic()
    assert ended(words, "whole") == 0
    whole = time.monotonic() - began
    kills, sweeps, before = 0, 0, dict[str, Any]()
    while kills < 20:
        status = ended(words, f"killed{sweeps}", chance.uniform(0.1, 0.95) * whole)
        now = costs(f"killed{sweeps}")
        assert {job: now[job] for job in before} == before, f"chance {seed}"
        before = now
        if status == -signal.SIGKILL:
            kills += 1
        else:
            assert status == 0
            assert_as_undisturbed(f"killed{sweeps}", seed)
            sweeps, before = sweeps + 1, {}
    assert ended(words, f"killed{sweeps}") == 0
    assert {job: costs(f"killed{sweeps}")[job] for job in before} == before
    assert_as_undisturbed(f"killed{sweeps}", seed)


def ended(words: list[str], root: str, after: float | None = None) -> int:
    """The status of the command in a process group of its own, which is killed after so many seconds."""
    command = [sys.executable, "-m", "frostline", *words, f"paths.runs={root}"]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return process.wait(after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()
