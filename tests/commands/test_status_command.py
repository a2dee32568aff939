"""frostline status: the progress of a sweep, read from its folder.

Tests frostline.commands.status, frostline.results.sweep_status.
"""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest

from command_line import Command, in_process
from killable_runs import attempt

frostline = in_process
SMALL = ["dataset.max_train=64", "dataset.max_val=32", "dataset.max_test=32", "logger=csv", "freezing=full"]


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_a_sweep_that_has_ended(frostline: Command) -> None:
    """With the best first, and what failed with its reason."""
    words = [
        *SMALL,
        "trainer.max_epochs=1",
        "optimizer=sgd",
        "trainer.gradient_clip_val=null",
        "optimizer.lr=1e38,1e-3,1e-2",
    ]
    assert frostline("-m", *words).status == 1
    result = frostline("status")
    command, progress, title, best, second, failed = lines(result.out)
    assert command.startswith("frostline -m dataset.max_train=64")
    assert re.fullmatch(
        r"3 of 3 jobs: 1 failed, 2 trained; best val/f1_macro 0\.\d+ \(optimizer.lr=\S+\) \(ended\)", progress
    )
    scores = {
        json.loads(file.read_text())["overrides"][-1]: json.loads(file.read_text())["metrics"]["val/f1_macro"]
        for file in Path("runs").glob("*/*/result.json")
    }
    assert title == "best val/f1_macro:"
    ranked = sorted(scores, key=lambda name: -scores[name])
    assert [best, second] == [f"{scores[name]:.3f}  {name}" for name in ranked]
    assert failed.startswith("failed: ") and "lower optimizer.lr=1e+38" in failed
    [sweep] = Path("runs/default/.sweeps").iterdir()
    assert [frostline("status", str(folder)).out for folder in ("runs/default", sweep)] == [result.out] * 2


@pytest.mark.slow
def test_a_sweep_that_is_under_way_and_one_that_was_killed(frostline: Command) -> None:
    words = [*SMALL, "trainer.max_epochs=20", "seed=1,2,3", "trainer.checkpoint_seconds=0"]
    with attempt("-m", *words) as one:
        one.until(lambda: "job 1" in one.said and "epoch 1 of 20" in one.said.split("job 1")[1])
        _, progress, under_way = lines(frostline("status").out)
        os.kill(one.process.pid, signal.SIGKILL)
        one.wait()
    assert re.match(r"1 of 3 jobs: 1 trained; 1 running, 1 waiting; about \d+ s left; best val/f1_macro \S+ ", progress)
    assert progress.endswith(f"(process {one.process.pid})")
    assert re.fullmatch(r"running for \d+ s: full-bert_tiny-vader_movies-\S*s2\S*", under_way)
    assert "(stopped, repeat the same command to continue; last activity" in frostline("status").out


@pytest.mark.slow
def test_the_last_sweep_is_described(frostline: Command) -> None:
    for seeds in ("seed=1,2", "seed=3,4,5"):
        assert frostline("-m", *SMALL, "freezing=direct", seeds).status == 0
    assert lines(frostline("status").out)[1].startswith("3 of 3 jobs")


def test_what_is_no_sweep(frostline: Command) -> None:
    assert (
        frostline("status").err
        == "command has 1 problem:\n  runs: is no folder; give the folder of a study or a sweep\n"
    )
    Path("runs").mkdir()
    result = frostline("status", "runs")
    assert (result.status, result.problems()) == (
        2,
        ["runs: contains no sweep; give the folder of one started with frostline -m"],
    )
    assert frostline("status", "runs", "more").problems() == ["more: status takes one folder; give one at a time"]
