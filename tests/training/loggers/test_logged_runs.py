"""W&B in whole runs: each command in a process of its own, with servers that answer, fail or hang.

Tests frostline.training.loggers.build, frostline.training.loggers.wandb_service and
frostline.training.loggers.wandb_start.
"""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from command_line import Command, in_process
from killable_runs import attempt, complete
from record import assert_full
from runs import place, reached
from wandb_files import CLI, Records, about, config, environment, exits, history, read, summary
from wandb_server import KEY, Server, closed_port, deaf, serving

frostline = in_process
WORDS = ["freezing=frozen", "optimizer.lr=0.01", "debug=fast", "study=mine", "trainer.max_epochs=2"]
NAME = "frozen bert_tiny vader_movies optimizer.lr=0.01 debug=fast trainer.max_epochs=2 s1"
SECONDS = 300  # that nothing here needs


@dataclass
class Ran:
    """A finished command."""

    home: Path
    status: int
    out: str
    said: str
    seconds: float

    @property
    def folders(self) -> list[Path]:
        return sorted(file.parent for file in self.home.glob("runs/*/*/.job.json"))

    @property
    def folder(self) -> Path:
        [folder] = self.folders
        return folder

    @property
    def about_wandb(self) -> list[str]:
        return [line for line in self.said.splitlines() if "W&B" in line or "wandb" in line.lower()]


def command(home: Path, *words: str, **variables: str) -> Ran:
    home.mkdir(exist_ok=True)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "frostline", *words],
        cwd=home,
        env=environment(home, OMP_NUM_THREADS="1", **variables),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=SECONDS,
    )
    return Ran(home, done.returncode, done.stdout, done.stderr, time.monotonic() - began)


def on_a_terminal(home: Path, *words: str, **variables: str) -> Ran:
    """Run a command on a terminal, where W&B would prompt for a key."""
    home.mkdir()
    ours, theirs = pty.openpty()
    said: list[bytes] = []
    listener = threading.Thread(target=_listen, args=(ours, said))
    listener.start()
    process = subprocess.Popen(
        [sys.executable, "-m", "frostline", *words],
        cwd=home,
        env=environment(home, OMP_NUM_THREADS="1", **variables),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    status = process.wait(SECONDS)
    listener.join()
    os.close(ours)
    return Ran(home, status, "", b"".join(said).decode(), 0)


def _listen(terminal: int, said: list[bytes]) -> None:
    while True:
        try:
            said.append(os.read(terminal, 65536))
        except OSError:  # nobody is left at the other end
            return


HOSTILE = {
    "refuses": "does not answer",
    "hangs": "did not answer in 5 s|timed out",
    "dies in the middle": "not all was uploaded",
    "hangs at the start": "did not start the run",
    "hangs in the middle": "not all was uploaded",
}
SLOW = list(HOSTILE)[1:]
SERVERS = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in HOSTILE]


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
    kinds = {
        "answers": {},
        "dies in the middle": {"gone_from": "file_stream"},
        "hangs at the start": {"mute_from": "graphql"},
        "hangs in the middle": {"mute_from": "file_stream"},
    }
    with ExitStack() as stack:
        yield {name: stack.enter_context(serving(**how)) for name, how in kinds.items()}


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, servers: dict[str, Server], request: pytest.FixtureRequest
) -> Iterator[dict[str, Ran]]:
    """The same run with a server that answers and with each server that a test needs, two at a time."""
    root, asked = tmp_path_factory.mktemp("runs"), str([test.name for test in request.session.items])
    with deaf() as silent, ThreadPoolExecutor(2) as pool:
        urls = {"refuses": closed_port(), "hangs": silent} | {name: server.url for name, server in servers.items()}
        started = {"nobody": pool.submit(on_a_terminal, root / "nobody", *WORDS, "logger=auto")}
        for name, url in urls.items():
            known = {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": url}
            if name == "answers" or f"[{name}]" in asked:
                started[name] = pool.submit(command, root / name, *WORDS, "logger=auto", **known)
        yield {name: run.result() for name, run in started.items()}


def told(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result without what may differ between two runs of one config."""
    return {key: value for key, value in result.items() if key not in ("cost", "overrides")}


def assert_same_as_without_a_server(ran: Ran, offline: Ran) -> None:
    assert ran.status == 0, ran.said
    assert told(assert_full(ran.folder)) == told(assert_full(offline.folder))
    assert_run(ran.folder)


def assert_run(folder: Path, name: str = NAME, group: str = "mine") -> None:
    """Check that W&B's file has the name and group of the run, its config, its curves and its final values."""
    [records] = read(folder)
    result = assert_full(folder)
    assert (about(records)["display_name"], about(records)["run_group"]) == (name, group)
    stored = yaml.safe_load((folder / "config.yaml").read_text())
    assert config(records) == stored | {"choices": result["choices"], "id": result["id"]}
    ended = summary(records)
    assert {key: ended[key] for key in result["metrics"]} == pytest.approx(result["metrics"])
    assert ended["parameters/ever_trainable"] == result["parameters"]["ever_trainable"]
    assert ended["cost/seconds"] == pytest.approx(result["cost"]["seconds"])
    losses = [row["train/loss"] for row in history(records) if "train/loss" in row]
    assert len(losses) == (0 if result["best"]["epoch"] is None else stored["trainer"]["max_epochs"])
    assert exits(records) == [0]


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_costs_a_run_seconds_and_nothing_else(runs: dict[str, Ran], server: str) -> None:
    ran = runs[server]
    print(f"a server that {server}: {ran.seconds:.1f} s; one that answers: {runs['answers'].seconds:.1f} s")
    assert_same_as_without_a_server(ran, runs["nobody"])
    [line] = ran.about_wandb
    assert re.search(HOSTILE[server], line)
    assert "wandb sync" in line


@pytest.mark.parametrize("server", SERVERS)
def test_the_command_that_is_told_uploads_the_run(
    runs: dict[str, Ran], servers: dict[str, Server], server: str
) -> None:
    """After the part that was uploaded before."""
    sync = shlex.split(runs[server].about_wandb[0].rpartition("upload it later: ")[2])
    assert sync[:2] == ["wandb", "sync"]
    with serving() as later:
        later.rows = servers[server].rows if server in servers else {}
        known = environment(runs[server].home, WANDB_API_KEY=KEY, WANDB_BASE_URL=later.url)
        done = subprocess.run([CLI, *sync[1:]], env=known, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        [records] = read(runs[server].folder)
        assert later.history(about(records)["run_id"]) == history(records)


def test_a_server_that_answers_gets_the_run_and_nothing_is_said(
    runs: dict[str, Ran], servers: dict[str, Server]
) -> None:
    ran = runs["answers"]
    assert ran.about_wandb == []
    assert_same_as_without_a_server(ran, runs["nobody"])
    [records] = read(ran.folder)
    assert servers["answers"].history(about(records)["run_id"]) == history(records)


def test_without_a_key_a_run_is_offline_in_silence(runs: dict[str, Ran]) -> None:
    """On a terminal, where W&B would prompt for a key."""
    assert runs["nobody"].about_wandb == []
    assert_same_as_without_a_server(runs["nobody"], runs["nobody"])
    assert list(runs["nobody"].folder.glob("wandb/offline-run-*"))


def test_three_jobs_of_a_sweep_are_three_runs(no_wandb_account: Path, frostline: Command) -> None:
    said = frostline("-m", "freezing=direct,frozen,full", "debug=fast", "logger=auto", "study=mine")
    assert said.status == 0, said.err
    folders = sorted(no_wandb_account.glob("runs/mine/*-s1-*"))
    for folder, strategy in zip(folders, ["direct", "frozen", "full"], strict=True):
        assert_run(folder, f"{strategy} bert_tiny vader_movies debug=fast s1")
    assert len({about(*read(folder))["run_id"] for folder in folders}) == 3


def test_a_run_that_fails_is_marked_so(no_wandb_account: Path, frostline: Command) -> None:
    """The next job of the sweep is another run."""
    said = frostline("-m", "optimizer.lr=1e30,1e-4", "trainer.gradient_clip_val=null", "debug=fast", "logger=auto")
    assert said.status == 1
    [failed] = [file.parent for file in no_wandb_account.glob("runs/*/*/failure.json")]
    [well] = [file.parent for file in no_wandb_account.glob("runs/*/*/result.json")]
    assert exits(*read(failed)) == [1]
    assert exits(*read(well)) == [0]


def epochs(records: Records) -> list[float]:
    return [row["epoch"] for row in history(records) if "train/loss" in row]


@pytest.mark.slow
def test_a_run_that_was_killed_and_goes_on_is_one_run(no_wandb_account: Path) -> None:
    words = ["freezing=frozen", "logger=auto", "trainer.checkpoint_seconds=0.1", "trainer.max_epochs=4"]
    words += ["dataset.max_train=512", "dataset.max_val=16", "dataset.max_test=16", "dataset.batch_size=4"]
    it = no_wandb_account / "it"
    an_epoch = 512 // 4
    with attempt(*words, "hydra.run.dir=it") as one:
        # Held still while its W&B file is read, which takes longer than its epochs.
        one.until(lambda: reached(place("it")) > an_epoch and one.stopped(lambda: any(map(epochs, read(it)))))
        one.kill()
    complete(*words, "hydra.run.dir=it")
    assert_full(it)
    first, second = read(it)
    assert about(first)["run_id"] == about(second)["run_id"]
    assert (exits(first), exits(second)) == ([], [0])
    assert {*epochs(first), *epochs(second)} == {1, 2, 3, 4}


@pytest.mark.slow
def test_two_ranks_are_one_run(no_wandb_account: Path) -> None:
    words = ["freezing=frozen", "debug=fast", "logger=auto", "trainer=ddp", "trainer.devices=2", "study=mine"]
    complete(*words)
    [folder] = no_wandb_account.glob("runs/mine/*-s1-*")
    assert_run(folder, "frozen bert_tiny vader_movies debug=fast trainer=ddp trainer.devices=2 s1")
