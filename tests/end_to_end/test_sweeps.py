"""A sweep goes on after failures, stops where it is told to, and takes up what is left when it is started again.

Tests frostline.sweeps.execute.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from command_line import Command, in_process
from killable_runs import Attempt, attempt

frostline = in_process
SMALL = ["dataset.max_train=64", "dataset.max_val=32", "dataset.max_test=32", "logger=csv", "freezing=full"]
FAILING = ["optimizer=sgd", "trainer.gradient_clip_val=null", "optimizer.lr=1e38,1e-3,1e37,1e-4"]


def told(out: str) -> list[str]:
    """What follows the table."""
    lines = out.splitlines()
    return lines[lines.index("") + 1 :]


def test_all_may_fail_unless_a_limit_is_given(frostline: Command) -> None:
    said = frostline("-m", *SMALL, *FAILING, "trainer.max_epochs=1")
    assert said.status == 1
    place, counted, *failed = told(said.out)
    assert (place, counted) == ("results: runs/default", "4 jobs: 2 failed, 2 trained")
    assert len(failed) == 2 and all("lower optimizer.lr" in line for line in failed)
    assert len(list(Path("runs").glob("*/*/result.json"))) == 2


def test_no_job_begins_after_more_failures_than_are_allowed(frostline: Command) -> None:
    for limit, counted in {0: "4 jobs: 1 failed, 3 skipped", 1: "4 jobs: 2 failed, 1 trained, 1 skipped"}.items():
        words = [*SMALL, *FAILING, "trainer.max_epochs=1", f"max_failures={limit}", f"paths.runs=limit{limit}"]
        said = frostline("-m", *words)
        assert said.status == 1
        assert told(said.out)[1] == counted
        assert f"and max_failures is {limit}" in told(said.out)[-1]


def test_the_limit_changes_no_run(frostline: Command) -> None:
    words = [*SMALL, "trainer.max_epochs=1", "seed=1,2"]
    assert frostline("-m", *words).status == 0
    said = frostline("-m", *words, "max_failures=0")
    assert said.status == 0
    assert told(said.out)[1] == "2 jobs: 2 already complete"


def interrupt(one: Attempt) -> None:
    os.kill(one.process.pid, signal.SIGINT)


LONG = ["-m", *SMALL, "trainer.max_epochs=30", "seed=1,2,3", "trainer.checkpoint_seconds=0"]


@pytest.mark.slow
def test_ctrl_c_lets_the_job_under_way_end(frostline: Command) -> None:
    with attempt(*LONG) as one:
        one.until(lambda: "epoch 1 of 30" in one.said)
        interrupt(one)
        assert one.wait() == 130
    assert "Ctrl-C: running jobs finish, then the sweep stops" in one.said
    assert "3 jobs: 1 trained, 2 skipped" in one.said
    assert "Traceback" not in one.said
    said = frostline(*LONG)
    assert said.status == 0
    assert told(said.out)[1] == "3 jobs: 1 already complete, 2 trained"


@pytest.mark.slow
def test_ctrl_c_twice_ends_all_at_once_and_the_sweep_goes_on_later(frostline: Command) -> None:
    with attempt(*LONG) as one:
        one.until(lambda: "epoch 2 of 30" in one.said)
        interrupt(one)
        one.until(lambda: "Ctrl-C" in one.said)
        interrupt(one)
        assert one.wait() != 0
    assert "Traceback" not in one.said
    assert not list(Path("runs").glob("*/*/result.json"))
    said = frostline(*LONG)
    assert said.status == 0
    assert told(said.out)[1] == "3 jobs: 1 resumed, 2 trained"
