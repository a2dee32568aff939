"""W&B never fails or holds up a run: real W&B against real servers of every kind on this machine."""

from __future__ import annotations

import http.server
import json
import os
import pty
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from frostline.loggers import reach, wandb
from frostline.loggers.wandb import WandbRun

MOST_SECONDS = 30.0  # what a server may cost a run, its exit included
STEPS, STEP_SECONDS = 40, 0.05
KEY = "k" * 40
CLI = shutil.which("wandb", path=str(Path(sys.executable).parent)) or "wandb"
JOB = """
import sys, time
from frostline.loggers.wandb import WandbRun
print("begin", time.time(), flush=True)
run = WandbRun(sys.argv[1] + "/first", group="study", name="first", config={"head": {"dropout": 0.1}}, mode=sys.argv[2])
for step in range(%d):
    run.log_metrics({"loss": 1 / (1 + step)}, step)
    time.sleep(%r)
run.save_summary({"test/accuracy": 0.75})
run.finish()
run = WandbRun(sys.argv[1] + "/second", mode="offline")
run.log_metrics({"loss": 3.0}, 0)  # nobody finishes this one
"""


class Server(http.server.ThreadingHTTPServer):
    """As much of a W&B server as a run needs; mute from the first request for a path on, or gone after it."""

    daemon_threads, block_on_close = True, False

    def __init__(self, mute_from: str = "never", gone_from: str = "never") -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.mute_from, self.gone_from = mute_from, gone_from
        self.mute, self.over, self.paths = False, threading.Event(), list[str]()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def vanish(self) -> None:
        self.over.set()
        threading.Thread(target=self.shutdown, daemon=True).start()
        self.socket.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that was cut is what these tests are about."""


class Answer(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *args: Any) -> None: ...

    def do_GET(self) -> None:
        self.handle_request({})

    def do_PUT(self) -> None:
        self.handle_request({})

    def do_POST(self) -> None:
        self.handle_request(None)

    def handle_request(self, answer: Any) -> None:
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server.paths.append(self.path)
        server.mute = server.mute or server.mute_from in self.path
        if server.mute:
            server.over.wait(120)
        if server.over.is_set():
            return
        payload = json.dumps(self.graph(body) if self.path == "/graphql" else answer or {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)
        if server.gone_from in self.path:
            server.vanish()

    def graph(self, body: bytes) -> dict[str, Any]:
        asked = json.loads(body)
        names = asked["variables"]
        project = {"id": "p", "name": "frostline", "entity": {"id": "e", "name": "me"}}
        bucket = {"id": "b", "name": names.get("name"), "displayName": "r", "config": "{}", "project": project}
        files = [{"name": name, "uploadUrl": f"{self.server.url}/{name}"} for name in names.get("files", [])]
        return {
            "data": {
                "model": None,
                "serverInfo": {"features": []},
                "upsertBucket": {"bucket": bucket, "inserted": True},
                "createRunFiles": {"runID": "b", "uploadHeaders": [], "files": files},
            }
        }


@contextmanager
def deaf() -> Iterator[str]:
    """A port that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def serving(**how: str) -> Iterator[Server]:
    server = Server(**how)
    try:
        yield server
    finally:
        if not server.over.is_set():
            server.vanish()


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_") and not k.lower().endswith("_proxy")}
    apart = {"HOME": str(home), "NETRC": str(home / "netrc"), "WANDB_CONFIG_DIR": str(home / "config")}
    return kept | apart | {"WANDB_CACHE_DIR": str(home / "cache")} | more


@dataclass
class Job:
    """A program that uses the logger, in its own process, and what became of it."""

    folder: Path
    process: subprocess.Popen[str]
    terminal: int | None = None
    said: str = ""
    seconds: float = 0.0

    def watch(self) -> None:
        self.said, _ = self.process.communicate(timeout=180)
        if self.terminal is not None:
            self.said = os.read(self.terminal, 65536).decode()
            os.close(self.terminal)
        begun = next(float(line.split()[1]) for line in self.said.splitlines() if line.startswith("begin"))
        self.seconds = time.time() - begun - STEPS * STEP_SECONDS


def start(folder: Path, url: str, mode: str = "auto", **variables: str) -> Job:
    folder.mkdir()
    return Job(folder, spawn(folder, url, mode, variables, subprocess.DEVNULL, subprocess.PIPE))


def start_on_a_terminal(folder: Path, url: str) -> Job:
    folder.mkdir()
    ours, theirs = pty.openpty()
    job = Job(folder, spawn(folder, url, "online", {}, theirs, theirs), ours)
    os.close(theirs)
    return job


def spawn(folder: Path, url: str, mode: str, more: dict[str, str], source: int, sink: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", JOB % (STEPS, STEP_SECONDS), str(folder), mode]
    variables = environment(folder, WANDB_BASE_URL=url, **more)
    return subprocess.Popen(command, env=variables, text=True, stdin=source, stdout=sink, stderr=subprocess.STDOUT)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Job]]:
    """All at once, as nearly all of their time is waiting."""
    root = tmp_path_factory.mktemp("jobs")
    with ExitStack() as servers:
        urls = {
            "refuses": closed_port(),
            "hangs": servers.enter_context(deaf()),
            "hangs at the start": servers.enter_context(serving(mute_from="graphql")).url,
            "hangs in the middle": servers.enter_context(serving(mute_from="file_stream")).url,
            "dies in the middle": servers.enter_context(serving(gone_from="file_stream")).url,
            "answers": servers.enter_context(serving()).url,
        }
        started = {name: start(root / name, url, WANDB_API_KEY=KEY) for name, url in urls.items()}
        started["is not asked"] = start_on_a_terminal(root / "is not asked", urls["refuses"])
        watchers = [threading.Thread(target=job.watch) for job in started.values()]
        for watcher in watchers:
            watcher.start()
        for watcher in watchers:
            watcher.join()
        yield started


def read(folder: Path) -> list[list[dict[str, Any]]]:
    """The records of each W&B run in a folder, in the order in which they began."""
    files = sorted(folder.glob("wandb/*run-*/*.wandb"), key=lambda path: path.parent.name.split("-")[-2])
    command = [CLI, "leet", "inspect", "--json"]
    readers = [subprocess.Popen([*command, str(path)], text=True, stdout=subprocess.PIPE) for path in files]
    return [[json.loads(line) for line in reader.communicate()[0].splitlines()] for reader in readers]


def history(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = [record["history"]["item"] for record in records if record["type"] == "history"]
    return [{key: value for key, value in row.items() if not key.startswith("_")} for row in rows]


def summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for record in records:
        merged |= record["summary"]["update"] if record["type"] == "summary" else {}
    return merged


def about(records: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = next(record["run"] for record in records if record["type"] == "run")
    return found


def assert_whole(job: Job) -> Path:
    """Every metric is in the first run's one file, and the second run of the process has its own."""
    [first], [second] = read(job.folder / "first"), read(job.folder / "second")
    assert history(first) == [{"loss": pytest.approx(1 / (1 + step)), "step": step} for step in range(STEPS)]
    assert summary(first)["test/accuracy"] == 0.75
    assert about(first)["config"]["update"]["head"] == {"dropout": 0.1}
    assert (about(first)["run_group"], about(first)["display_name"]) == ("study", "first")
    assert history(second) == [{"loss": 3.0, "step": 0}]
    [folder] = job.folder.glob("first/wandb/*run-*")
    return folder


HOSTILE = {
    "refuses": "does not answer",
    "hangs": "did not answer in 5 s",
    "hangs at the start": "let no run start",
    "hangs in the middle": "not all was uploaded",
    "dies in the middle": "not all was uploaded",
}


@pytest.mark.parametrize("server", HOSTILE)
def test_a_server_costs_a_run_seconds_and_nothing_else(jobs: dict[str, Job], server: str) -> None:
    job = jobs[server]
    print(f"a server that {server}: {job.seconds:.1f} s more\n{job.said}")
    assert job.process.returncode == 0, job.said
    assert job.seconds < MOST_SECONDS
    folder = assert_whole(job)
    [line] = [line for line in job.said.splitlines() if not line.startswith("begin")]
    assert HOSTILE[server] in line
    assert f"wandb sync '{folder}'" in line or line.endswith(f"wandb sync {folder}")


def test_a_server_that_answers_gets_the_run_and_nothing_is_said(jobs: dict[str, Job]) -> None:
    job = jobs["answers"]
    print(f"a server that answers: {job.seconds:.1f} s more")
    assert (job.process.returncode, len(job.said.splitlines())) == (0, 1), job.said
    assert assert_whole(job).name.startswith("run-")


def test_nobody_is_asked_for_a_key(jobs: dict[str, Job]) -> None:
    """On a terminal, where W&B would ask."""
    job = jobs["is not asked"]
    assert job.process.returncode == 0, job.said
    [line] = [line for line in job.said.splitlines() if line.strip() and not line.startswith("begin")]
    assert "no API key is known" in line
    assert "wandb sync" in line
    assert_whole(job)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """This process, with an environment that knows neither a key nor a mode."""
    for name in set(os.environ) - set(environment(tmp_path)):
        if name != "WANDB_SERVICE":
            monkeypatch.delenv(name)
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    yield tmp_path / "run"
    if WandbRun._current is not None:
        WandbRun._current.finish()


def log_one(folder: Path, loss: float = 1.0, **about: Any) -> float:
    begun = time.monotonic()
    run = WandbRun(folder, **about)
    run.log_metrics({"loss": loss}, 0)
    run.finish()
    return time.monotonic() - begun


def test_runs_in_one_process_are_runs_of_their_own(here: Path) -> None:
    costs = []
    for seed in range(3):
        config = {"seed": seed, "only": {str(seed): seed}}
        costs.append(log_one(here / str(seed), loss=seed, config=config, group="study", name=f"seed {seed}"))
    print("offline runs, seconds each:", [f"{cost:.2f}" for cost in costs])
    runs = [records for seed in range(3) for records in read(here / str(seed))]
    assert [history(records) for records in runs] == [[{"loss": seed, "step": 0}] for seed in range(3)]
    for seed, records in enumerate(runs):
        run = about(records)
        assert run["config"]["update"] == {"_wandb": {}, "seed": seed, "only": {str(seed): seed}}
        assert (run["run_group"], run["display_name"]) == ("study", f"seed {seed}")
    assert len({about(records)["run_id"] for records in runs}) == 3
    assert max(costs[1:]) < 5


def test_a_run_that_nobody_finished_ends_where_the_next_begins(here: Path) -> None:
    WandbRun(here / "a").log_metrics({"loss": 1.0}, 0)
    log_one(here / "b", loss=2.0)
    assert [history(*read(here / name)) for name in "ab"] == [[{"loss": 1, "step": 0}], [{"loss": 2, "step": 0}]]


def test_a_test_after_a_fit_goes_to_the_same_run_and_steps_may_go_back(here: Path) -> None:
    run = WandbRun(here)
    run.log_metrics({"loss": 1.0}, 7)
    run.finalize("success")
    run.log_metrics({"test/loss": 2.0}, 0)
    run.log_hyperparams({"classes": 3, "module": object()})
    run.finish()
    run.log_metrics({"loss": 9.0}, 8)
    [records] = read(here)
    assert history(records) == [{"loss": 1, "step": 7}, {"test/loss": 2, "step": 0}]
    assert [record["config"]["update"] for record in records if record["type"] == "config"] == [{"classes": 3}]


def test_a_failed_run_is_marked_so(here: Path) -> None:
    run = WandbRun(here)
    run.log_metrics({"loss": 1.0}, 0)
    run.finalize("failed")
    run.finish()
    [records] = read(here)
    assert [record["exit"]["exit_code"] for record in records if record["type"] == "exit"] == [1]


def test_a_resumed_run_is_the_same_run(here: Path) -> None:
    log_one(here, loss=1.0)
    time.sleep(1.1)  # W&B names its folders by the second
    log_one(here, loss=2.0)
    first, second = read(here)
    assert about(first)["run_id"] == about(second)["run_id"]
    assert history(first) + history(second) == [{"loss": 1, "step": 0}, {"loss": 2, "step": 0}]


def test_the_death_of_the_process_behind_it_is_said_once_and_the_next_run_works(
    here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = WandbRun(here / "a")
    run.log_metrics({"loss": 1.0}, 0)
    process = wandb._service._process
    assert process is not None
    process.kill()
    process.wait()
    for step in range(50):
        run.log_metrics({"loss": 1.0}, step)
    run.finish()
    log_one(here / "b")
    assert len(history(*read(here / "b"))) == 1
    said = capfd.readouterr().err.splitlines()
    assert sum("the run goes on" in line for line in said) == 1
    assert sum("wandb sync" in line for line in said) == 1
    assert len(said) == 2


def made(folder: Path) -> list[str]:
    return [path.name.split("-")[0] for path in folder.glob("wandb/*run-*")]


def test_without_a_key_it_is_offline_in_silence(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log_one(here)
    assert made(here) == ["offline"]
    assert "".join(capfd.readouterr()) == ""


def test_with_a_key_it_goes_online(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    with serving() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        log_one(here)
    assert made(here) == ["run"]
    assert any(path.endswith("/file_stream") for path in server.paths)


@pytest.mark.parametrize("mode", ["offline", "dryrun", "disabled"])
def test_the_mode_of_the_environment_wins(here: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_MODE", mode)
    with serving() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        log_one(here, mode="online")
    assert server.paths == []
    assert made(here) == ([] if mode == "disabled" else ["offline"])
    assert here.exists() == (mode != "disabled")


def test_where_a_key_is_looked_for(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not reach.has_key("http://lab.example:8080")
    netrc = Path(os.environ["NETRC"])
    netrc.write_text(f"machine lab.example:8080\n  login user\n  password {KEY}\n")
    assert reach.has_key("http://lab.example:8080")
    assert not reach.has_key("http://other.example")
    netrc.unlink()
    monkeypatch.setenv("WANDB_IDENTITY_TOKEN_FILE", "token")
    assert reach.has_key("http://other.example")


def test_a_mode_that_was_set_for_good_is_kept_unless_another_is_asked_for() -> None:
    url = closed_port()
    assert reach.choose("auto", url, KEY, "offline") == ("offline", "")
    assert reach.choose("auto", url, KEY, "disabled") == ("disabled", "")
    mode, reason = reach.choose("online", url, KEY, "offline")
    assert mode == "offline"
    assert "does not answer" in reason
