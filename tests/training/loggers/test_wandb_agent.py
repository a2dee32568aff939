"""W&B's agent runs the command of our yaml, and our logger writes into the run that the agent has opened."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from wandb.wandb_agent import Agent

from command_line import Command, in_process
from frostline.results.atomic_files import read_json
from wandb_files import Records, about, config, environment, exits, read, summary

frostline = in_process
HOUSE = Path(__file__).resolve().parents[3]
SWEEP = HOUSE / "experiments" / "adaptation" / "wandb.yml"
SMALL = {"debug": "fast", "logger": "auto", "encoder": "bert_tiny", "dataset.max_train": 64, "dataset.max_val": 32}


def sweep() -> dict[str, Any]:
    sweep_config: dict[str, Any] = yaml.safe_load(SWEEP.read_text(encoding="utf-8"))
    return sweep_config


def drawn(last: bool) -> dict[str, Any]:
    """Return a value of each parameter, as W&B's server would send it: the first of its range, or the last."""
    values = {}
    for name, told in sweep()["parameters"].items():
        lists = told.get("values") or [told.get("min", told.get("value")), told.get("max", told.get("value"))]
        values[name] = lists[-1 if last else 0]
    return values


def words(values: dict[str, Any]) -> list[str]:
    return [f"{name}={value}" for name, value in values.items()]


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Agent:
    """Return an agent as `wandb agent` makes it for a sweep; its changes to this process are undone."""
    for name in ("WANDB_MODE", "WANDB_RUN_ID", "WANDB_SWEEP_PARAM_PATH", "WANDB_DIR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    own = {"WANDB_SWEEP_ID": "sweep9", "WANDB_PROJECT": "theirs", "OMP_NUM_THREADS": "1"}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for name, value in environment(tmp_path / "home", PATH=path, **own).items():
        monkeypatch.setenv(name, value)
    sweep_agent = Agent(api=None, queue=None, sweep_id="sweep9")
    sweep_agent._sweep_command = sweep()["command"]
    return sweep_agent


def done(agent: Agent, run: str, values: dict[str, Any]) -> int:
    """Return the exit status of the command that the agent starts for a run that the server has opened."""
    args = {name: {"value": value} for name, value in values.items()}
    agent._command_run({"run_id": run, "args": args, "program": sweep()["program"]})
    process = agent._run_processes.pop(run)
    process.wait(timeout=300)
    return int(process.poll())


def of_agent(run: str) -> tuple[Path, Records]:
    """Return the run folder and the records of the W&B run with this id."""
    [file] = Path("runs").glob(f"*/*/wandb/*run-*-{run}/run-{run}.wandb")
    folder = file.parents[2]
    [records] = [records for records in read(folder) if about(records)["run_id"] == run]
    return folder, records


@pytest.mark.parametrize("last", [False, True])
def test_every_parameter_of_the_yaml_is_one_of_ours(frostline: Command, last: bool) -> None:
    values = drawn(last) | {"experiment": "adaptation/movies"}
    said = frostline("check", *words(values))
    assert (said.status, said.out.splitlines()[0]) == (0, "ok: 1 job"), said.err
    assert sweep()["metric"] == {"name": "val/f1_macro", "goal": "maximize"}


@pytest.mark.slow
def test_the_agent_s_run_is_the_run_s_own(agent: Agent) -> None:
    values = drawn(last=True) | SMALL
    assert done(agent, "agents1", values) == 0
    folder, records = of_agent("agents1")
    result = read_json(folder / "result.json")
    assert (folder / ".wandb-id").read_text() == "agents1"
    told = about(records)
    assert (told["sweep_id"], told["project"], told["run_group"], exits(records)) == (
        "sweep9",
        "theirs",
        "adaptation",
        [0],
    )
    own = yaml.safe_load((folder / "config.yaml").read_text())
    assert (own["optimizer"]["lr"], own["seed"]) == (values["optimizer.lr"], values["seed"])
    assert config(records)["optimizer"] == own["optimizer"]
    assert result["choices"]["freezing"] == values["freezing"]
    assert summary(records)["val/f1_macro"] == pytest.approx(result["metrics"]["val/f1_macro"])

    # W&B asks for the same once more, for a run that it has opened anew
    assert done(agent, "agents2", values) == 0
    again, records = of_agent("agents2")
    assert again == folder and read_json(folder / "result.json") == result
    assert summary(records)["val/f1_macro"] == pytest.approx(result["metrics"]["val/f1_macro"])
    assert config(records)["id"] == result["id"] and exits(records) == [0]
