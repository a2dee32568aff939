"""W&B in this process: one W&B run for each job, and no unnecessary message."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from frostline.training.loggers import wandb_logger as wandb
from frostline.training.loggers import wandb_server
from frostline.training.loggers.wandb_logger import WandbRun
from wandb_files import CLI, about, config, environment, exits, history, read
from wandb_server import KEY, Server, closed_port, serving


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give this process an environment with neither a key nor a mode."""
    for name in set(os.environ) - set(environment(tmp_path)):
        if name != "WANDB_SERVICE":
            monkeypatch.delenv(name)
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    yield tmp_path / "run"
    if WandbRun._current is not None:
        WandbRun._current.finish()


@contextmanager
def online(monkeypatch: pytest.MonkeyPatch, **how: str) -> Iterator[Server]:
    """Set a key and a server. W&B's process remembers both, so it ends with them."""
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    with serving(**how) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        yield server
    wandb._service.discard()


def log_one(folder: Path, loss: float = 1.0, **about: Any) -> None:
    run = WandbRun(folder, **about)
    run.log_metrics({"loss": loss}, 0)
    run.finish()


def test_runs_in_one_process_are_runs_of_their_own(here: Path) -> None:
    for seed in range(3):
        about_seed = {"seed": seed, "only": {str(seed): seed}}
        log_one(here / str(seed), loss=seed, config=about_seed, group="study", name=f"seed {seed}")
    runs = [records for seed in range(3) for records in read(here / str(seed))]
    assert [history(records) for records in runs] == [[{"loss": seed, "step": 0}] for seed in range(3)]
    for seed, records in enumerate(runs):
        run = about(records)
        assert config(records) == {"seed": seed, "only": {str(seed): seed}}
        assert (run["run_group"], run["display_name"]) == ("study", f"seed {seed}")
    assert len({about(records)["run_id"] for records in runs}) == 3


VARIABLES = {
    "WANDB_PROJECT": "thesis",
    "WANDB_ENTITY": "group",
    "WANDB_NAME": "final",
    "WANDB_RUN_GROUP": "table 2",
    "WANDB_TAGS": "a,b",
}


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set variables of W&B for a fresh process of W&B, which reads them at its start."""
    wandb._service.discard()
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    yield
    wandb._service.discard()


def test_variables_of_wandb_replace_what_the_config_leaves_at_its_default(here: Path, variables: None) -> None:
    log_one(here / "default", group="study", name="seed 1")
    log_one(here / "chosen", group="study", name="seed 1", project="ablation", entity="me")
    default, chosen = (about(read(here / name)[0]) for name in ("default", "chosen"))
    assert [default[key] for key in ("project", "entity", "display_name", "run_group")] == [*VARIABLES.values()][:4]
    assert (default["tags"], chosen["tags"]) == (["a", "b"], ["a", "b"])
    assert (chosen["project"], chosen["entity"]) == ("ablation", "me")


@pytest.mark.parametrize("value, runs", [("true", 0), ("1", 0), ("false", 1), ("", 1)])
def test_wandb_disabled_is_respected(here: Path, monkeypatch: pytest.MonkeyPatch, value: str, runs: int) -> None:
    monkeypatch.setenv("WANDB_DISABLED", value)
    log_one(here)
    assert len(read(here)) == runs


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
    assert exits(records) == [1]


def in_segments(folder: Path) -> list[dict[str, float]]:
    """Return what a run logs that is killed and resumed."""
    log_one(folder, loss=1.0)
    time.sleep(1.1)  # W&B names its folders by the second
    log_one(folder, loss=2.0)
    return [{"loss": 1.0, "step": 0}, {"loss": 2.0, "step": 0}]


def test_an_offline_run_that_goes_on_is_one_run_for_wandb_sync(here: Path) -> None:
    logged = in_segments(here)
    with serving() as server:
        own = os.environ | {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": server.url}
        command = [CLI, "sync", "--yes", *map(str, here.glob("wandb/offline-run-*"))]
        done = subprocess.run(command, env=own, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        [run] = server.rows
        assert server.history(run) == logged


def test_an_online_run_that_goes_on_is_the_same_run(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with online(monkeypatch) as server:
        logged = in_segments(here)
        [run] = server.rows
        assert server.history(run) == logged


def test_the_same_job_in_another_folder_is_another_run(here: Path) -> None:
    """Neither a rerun nor a colleague writes into a complete run."""
    log_one(here / "a", name="the same")
    log_one(here / "b", name="the same")
    assert len({about(*read(here / name))["run_id"] for name in "ab"}) == 2


def test_a_sweep_waits_for_a_silent_server_once(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with online(monkeypatch, mute_from="healthz") as server:
        for seed in range(3):
            log_one(here / str(seed))
    assert server.paths == ["/healthz"]
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 3
    assert all(re.search("(did not answer in 5 s|timed out).*wandb sync", line) for line in said)


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


def test_who_wants_to_be_online_without_a_key_is_told_and_not_asked(
    here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log_one(here, mode="online")
    assert made(here) == ["offline"]
    [line] = capfd.readouterr().err.splitlines()
    assert "no API key is known" in line and "wandb sync" in line


def test_with_a_key_it_goes_online(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with online(monkeypatch) as server:
        log_one(here)
    assert made(here) == ["run"]
    assert any(path.endswith("/file_stream") for path in server.paths)


@pytest.mark.parametrize("mode", ["offline", "dryrun", "disabled"])
def test_the_mode_of_the_environment_wins(here: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv("WANDB_MODE", mode)
    with online(monkeypatch) as server:
        log_one(here, mode="online")
    assert server.paths == []
    assert made(here) == ([] if mode == "disabled" else ["offline"])
    assert here.exists() == (mode != "disabled")


def test_where_a_key_is_looked_for(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not wandb_server.has_key("http://lab.example:8080")
    netrc = Path(os.environ["NETRC"])
    netrc.write_text(f"machine lab.example:8080\n  login user\n  password {KEY}\n")
    assert wandb_server.has_key("http://lab.example:8080")
    assert not wandb_server.has_key("http://other.example")
    netrc.unlink()
    monkeypatch.setenv("WANDB_IDENTITY_TOKEN_FILE", "token")
    assert wandb_server.has_key("http://other.example")


def test_a_mode_that_was_set_for_good_is_kept_unless_another_is_asked_for() -> None:
    url = closed_port()
    assert wandb_server.choose_mode("auto", url, KEY, "offline") == ("offline", "")
    assert wandb_server.choose_mode("auto", url, KEY, "disabled") == ("disabled", "")
    mode, reason = wandb_server.choose_mode("online", url, KEY, "offline")
    assert mode == "offline"
    assert "does not answer" in reason
