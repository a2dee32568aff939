"""Sweeps on a real Ray cluster of two nodes, both on this machine: the runs are those of the basic launcher.

Tests hydra_plugins.frostline_ray.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command_line import Command, in_process
from frostline.config.jobs import jobs_of_command
from frostline.distributed.launcher import free_port
from frostline.results.atomic_files import read_json
from killable_runs import attempt, complete, soon
from runs import differences, place, reached
from wandb_files import about, config, exits, read

frostline = in_process
SMALL = ["dataset.max_train=64", "dataset.max_val=32", "dataset.max_test=32"]
CPUS = 2  # of each node


def processes(mark: str) -> list[int]:
    """Those that have this in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found += [int(folder.name)] if mark.encode() in (folder / "environ").read_bytes() else []
        except OSError:  # gone, or not ours
            continue
    return found


def node(environ: dict[str, str], *words: str) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("ray")), "start", "--block", "--node-ip-address=127.0.0.1"]
    more = [f"--num-cpus={CPUS}", "--object-store-memory=80000000", *words]
    return subprocess.Popen([*command, *more], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Its address. The nodes know neither the folder nor the environment of those who will use them."""
    pytest.importorskip("ray")
    folder = Path(tempfile.mkdtemp(prefix="ray"))  # a short path, as sockets want it
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "WANDB_", "FROSTLINE_STORE"))}
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "OF_TEST": str(folder)}
    quiet |= {"RAY_worker_niceness": "0"}  # else they stand behind all other tests
    address = f"127.0.0.1:{free_port()}"
    head = ["--head", f"--port={address.partition(':')[2]}", f"--temp-dir={folder}", "--include-dashboard=false"]
    nodes = []
    try:
        for count, words in enumerate([head, [f"--address={address}"]], 1):
            nodes.append(node(ours | quiet, *words))
            assert soon(lambda count=count: len(list(folder.glob("session_latest/sockets/raylet*"))) == count)
        yield address
    finally:
        for one in reversed(nodes):
            one.terminate()
            one.wait(timeout=60)
        assert soon(lambda: not processes(str(folder))), processes(str(folder))
        shutil.rmtree(folder)


@pytest.fixture
def on_ray(cluster: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    return [
        "-m",
        "hydra/launcher=ray",
        f"hydra.launcher.init.address={cluster}",
        f"hydra.launcher.remote.num_cpus={CPUS}",
    ]


def results(root: str) -> dict[str, dict[str, Any]]:
    """By the run's folder."""
    return {file.parent.name: read_json(file) for file in sorted(Path(root).glob("*/*/result.json"))}


def assert_as_basic(root: str, *words: str) -> dict[str, dict[str, Any]]:
    """The same sweep in this way and by the basic launcher, which is here that of runs/."""
    complete("-m", *words)
    basic, other = results("runs"), results(root)
    assert basic.keys() == other.keys()
    for name, result in other.items():
        assert result["id"] == basic[name]["id"]
        assert result["metrics"] == pytest.approx(basic[name]["metrics"], abs=1e-6)
    return other


def assert_runs_of_wandb(root: str, group: str) -> None:
    """Each of the runs has a W&B run of its own, with its own config, in the study's group."""
    found = set()
    for name, result in results(root).items():
        [records] = read(Path(root) / group / name)
        own = config(records)
        freezing, told = result["choices"]["freezing"], about(records)
        assert (own["id"], own["seed"], own["choices"]["freezing"]) == (result["id"], result["seed"], freezing)
        assert (told["run_group"], exits(records)) == (group, [0])
        found.add(told["run_id"])
    assert len(found) == len(results(root))


@pytest.mark.slow
def test_a_sweep_s_jobs_are_runs_as_any_other(no_wandb_account: Path, on_ray: list[str]) -> None:
    """Of six jobs each has its results, its threads, its row in the table and its run of W&B."""
    words = [*SMALL, "trainer.max_epochs=2", "study=mine", "freezing=direct,frozen,full", "seed=1,2"]
    said = complete(*on_ray, *words, "logger=auto", "paths.runs=spread")
    assert len(assert_as_basic("spread", *words, "logger=csv")) == 6
    threads = [read_json(file)["threads"] for file in Path("spread").glob("*/*/environment.json")]
    assert threads == [CPUS] * 6
    rows = [line.split()[:2] for line in said.splitlines() if re.match("(direct|frozen|full) ", line)]
    assert rows == [[freezing, seed] for freezing in ("direct", "frozen", "full") for seed in "12"]
    assert_runs_of_wandb("spread", "mine")


@pytest.mark.exhaustive
def test_a_job_may_be_of_several_ranks(on_ray: list[str]) -> None:
    words = [*SMALL, "trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=1,2", "trainer.max_epochs=1"]
    complete(*on_ray, *words, "logger=csv", "paths.runs=spread")
    assert len(assert_as_basic("spread", *words, "logger=csv")) == 2
    ranks = [read_json(file)["ranks"] for file in Path("spread").glob("*/*/environment.json")]
    assert sorted(ranks) == [1, 2]


@pytest.mark.slow
def test_a_killed_worker_s_job_goes_on_elsewhere_and_a_failing_job_ends_no_other(on_ray: list[str]) -> None:
    """Of three jobs one is killed once, one fails, and one knows nothing of that."""
    words = [*SMALL, "freezing=full", "optimizer=sgd", "trainer.gradient_clip_val=null", "logger=csv"]
    words += ["trainer.max_epochs=8", "trainer.checkpoint_seconds=0"]
    run = jobs_of_command([*words, "optimizer.lr=1e-2", "paths.runs=spread"])[0].folder.absolute()
    rates = ["optimizer.lr=1e-2,1e38,1e-3", "hydra.launcher.remote.num_cpus=1"]
    with attempt(*on_ray, *words, *rates, "paths.runs=spread") as one:
        one.until(lambda: reached(place(str(run))) > 2)
        [pid] = set(re.findall(rf"\({run.name} pid=(\d+)", one.said))
        os.kill(int(pid), signal.SIGKILL)
        assert not (run / "result.json").exists()
        assert one.wait() == 1
    assert "3 jobs: " in one.said and "1 resumed" in one.said and "1 trained" in one.said and "1 failed" in one.said
    assert "lower optimizer.lr=1e+38" in one.said
    assert "going on from step" in one.said
    complete("-m", *words, "optimizer.lr=1e-2,1e-3", "paths.runs=undisturbed")
    runs = results("undisturbed")
    assert len(runs) == 2 and runs.keys() == results("spread").keys()
    for name in runs:
        assert differences(f"spread/default/{name}", f"undisturbed/default/{name}") == []


@pytest.mark.exhaustive
def test_a_job_that_dies_again_and_again_is_told_as_failed(on_ray: list[str]) -> None:
    words = [*SMALL, "freezing=full,frozen", "trainer.max_epochs=8", "trainer.checkpoint_seconds=0", "logger=csv"]
    with attempt(*on_ray, *words, "hydra.launcher.remote.max_retries=0") as one:
        one.until(lambda: list(Path("runs").glob("default/full-*/checkpoints/last.ckpt")))
        [pid, *_] = re.findall(r"\(full-\S+ pid=(\d+)", one.said)
        os.kill(int(pid), signal.SIGKILL)
        assert one.wait() == 1
    assert "2 jobs: 1 failed, 1 trained" in one.said
    assert re.search(r"^failed: full-\S+: FrostlineError: its worker was lost: ", one.said, re.MULTILINE)


@pytest.mark.exhaustive
def test_ctrl_c_lets_what_is_under_way_end(on_ray: list[str]) -> None:
    words = [*SMALL, "freezing=full", "seed=1,2,3,4", "trainer.max_epochs=8", "trainer.checkpoint_seconds=0"]
    with attempt(*on_ray, *words, "logger=csv") as one:
        one.until(lambda: "epoch 1 of 8" in one.said)
        os.kill(one.process.pid, signal.SIGINT)
        assert one.wait() == 130
    ended = len(results("runs"))
    assert 0 < ended < 4
    assert f"4 jobs: {ended} trained, {4 - ended} skipped" in one.said
    assert "Traceback" not in one.said


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("hydra.launcher.remote.num_gpus=1", "hydra.launcher.remote: no node has {'CPU': 2, 'GPU': 1} for a job; "),
        ("+hydra.launcher.remote.cpus=1", "hydra/launcher: Ray cannot be used: Invalid option keyword cpus "),
        ("hydra.launcher.init.address=127.0.0.1:9", "hydra/launcher: Ray cannot be used: [Errno 111] Connection ref"),
    ],
)
def test_what_no_node_can_do_is_told_before_the_first_job(on_ray: list[str], word: str, told: str) -> None:
    with attempt(*on_ray, "seed=1,2", "logger=csv", word) as one:
        assert one.wait() == 2
    assert f"\n  {told}" in f"\n{one.said}" and "Traceback" not in one.said
    assert not list(Path().glob("runs/*/*/.job.json"))


def test_without_ray_a_sweep_says_how_to_get_it(frostline: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # as Python itself marks what cannot be had
    said = frostline("-m", "hydra/launcher=ray", "seed=1,2", "logger=csv")
    assert said.status == 2
    assert said.problems() == ["hydra/launcher: ray is not installed; pip install 'frostline[ray]'"]
    assert not list(Path().glob("runs/*/*/.job.json"))
