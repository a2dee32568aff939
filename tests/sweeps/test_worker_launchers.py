"""Jobs in worker processes come to what they come to one by one; none is lost with another's worker.

Tests hydra_plugins._worker_process, hydra_plugins.frostline_joblib, hydra_plugins.frostline_submitit.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command_line import Command, in_process
from frostline.results.atomic_files import read_json
from killable_runs import attempt, complete, soon
from launcher_sweeps import TINY, Results, assert_same_results, results
from record import assert_full
from runs import MORTAL
from wandb_files import about, config, exits, read

frostline = in_process
SIX = ["-m", *TINY, "freezing=frozen,full", "seed=1,2,3"]
RANKS = ["-m", *TINY, "trainer=ddp", "trainer.accelerator=cpu", "seed=1,2", "logger=csv"]
LAUNCHERS = {
    "joblib": ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
    "submitit_local": ["hydra/launcher=submitit_local"],
}


def launchers(*slow: str) -> Any:
    """Each launcher: of these the test is run with the slow ones, of the others by hand."""
    marks = {name: pytest.mark.slow if name in slow else pytest.mark.exhaustive for name in LAUNCHERS}
    every = [pytest.param(words, id=name, marks=marks[name]) for name, words in LAUNCHERS.items()]
    return pytest.mark.parametrize("launcher", every)


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Results]:
    """What a sweep comes to with the basic launcher; each is done once."""
    known: dict[tuple[str, ...], Results] = {}

    def done(words: list[str]) -> Results:
        if tuple(words) not in known:
            root = tmp_path_factory.mktemp("basic")
            complete(*words, f"paths.runs={root}", f"cache.dir={root / 'store'}", "logger=csv")
            known[tuple(words)] = results(root)
        return known[tuple(words)]

    return done


@launchers("joblib")
def test_six_jobs_are_six_runs_with_the_results_of_one_by_one(
    launcher: list[str], one_by_one: Callable[..., Results], no_wandb_account: Path
) -> None:
    said = complete(*SIX, *launcher, "study=six")
    assert "\n6 jobs: " not in said and "results: runs/six" in said  # all were trained
    assert_same_results(results(), one_by_one([*SIX, "study=six"]))
    folders = [file.parent for file in Path("runs/six").glob("*/result.json")]
    for folder in folders:
        result = assert_full(folder)
        [records] = read(folder)
        assert (config(records)["id"], about(records)["run_group"], exits(records)) == (result["id"], "six", [0])
    assert len(folders) == 6


@launchers("joblib")
def test_jobs_of_two_ranks(launcher: list[str], one_by_one: Callable[..., Results]) -> None:
    complete(*RANKS, *launcher)
    assert_same_results(results(), one_by_one(RANKS))
    places = [read_json(file) for file in Path("runs").glob("*/*/environment.json")]
    assert [place["ranks"] for place in places] == [2, 2]


@launchers()
def test_a_job_that_kills_its_worker_is_told_and_goes_on_later(launcher: list[str], frostline: Command) -> None:
    """The other is under way at the same time, and under joblib loses its worker too."""
    Path("mortal").mkdir()
    Path("mortal/heads.py").write_text(MORTAL)
    Path("moment").write_text("training_step 3")
    heads = "head._target_=mortal.heads.Mortal,frostline.models.heads.linear.Linear"
    words = ["-m", *TINY, *launcher, heads, "logger=csv", "trainer.checkpoint_seconds=0", "trainer.max_epochs=2"]
    with attempt(*words) as one:
        assert one.wait() == 1, one.said
    [failed] = [line for line in one.said.splitlines() if line.startswith("failed: ")]
    assert "start the same command again" in failed
    assert "2 jobs: 1 failed, 1 " in one.said
    assert len(list(Path("runs").glob("*/*/result.json"))) == 1
    [failure] = Path("runs").glob("*/*/failure.json")
    assert "start the same command again" in read_json(failure)["what"]
    Path("moment").unlink()
    assert "2 jobs: 1 resumed, 1 already complete" in complete(*words)
    assert len(results()) == 2


def at_once(launcher: list[str], more: list[str]) -> dict[str, Any]:
    """Where two jobs were done at once, without OMP_NUM_THREADS of the user's."""
    complete("-m", *TINY, *launcher, *more, "logger=csv", "freezing=full", "seed=1,2")
    first, second = (read_json(file) for file in Path("runs").glob("*/*/environment.json"))
    assert first["threads"] == second["threads"]
    return first


@launchers()
def test_two_jobs_at_once_share_the_cores(launcher: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = len(os.sched_getaffinity(0))
    assert at_once(launcher, [])["threads"] == max(cores // 2, 1)


def workers(parent: int) -> list[int]:
    """The processes of joblib that do jobs."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in children if "LokyProcess" in Path(f"/proc/{pid}/cmdline").read_text()]


@pytest.mark.exhaustive
def test_ctrl_c_in_a_terminal_ends_the_sweep_after_the_jobs_under_way() -> None:
    """A terminal sends it to the workers too."""
    words = ["-m", *TINY, *LAUNCHERS["joblib"], "freezing=full", "logger=csv", "trainer.max_epochs=8", "seed=1,2,3"]
    with attempt(*words) as one:
        one.until(lambda: "epoch 1 of 8" in one.said)
        for pid in [one.process.pid, *workers(one.process.pid)]:
            os.kill(pid, signal.SIGINT)
        assert one.wait() == 130, one.said
    assert "3 jobs: 2 trained, 1 skipped" in one.said
    assert "Traceback" not in one.said


@pytest.mark.exhaustive
def test_nothing_is_left_of_a_sweep_that_is_killed() -> None:
    words = ["-m", *TINY, *LAUNCHERS["joblib"], "freezing=full", "logger=csv", "trainer.max_epochs=90", "seed=1,2"]
    with attempt(*words) as one:
        one.until(lambda: "epoch 1 of 90" in one.said)
        pids = workers(one.process.pid)
        one.kill()
    assert len(pids) == 2
    assert soon(lambda: not [pid for pid in pids if alive(pid)])


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "zombie" not in status.read_text()
