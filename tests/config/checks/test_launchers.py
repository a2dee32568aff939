"""What keeps a launcher from starting is told before the first job; our own files are not mixed with plugins'."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hydra.core.config_store import ConfigStore
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from frostline.config import resolvers
from frostline.config import search_path as search
from frostline.config.jobs import jobs_of_command
from frostline.config.loader import open_loader
from frostline.errors import UserError

OURS = sorted(file.stem for file in (search.conf_folder() / "hydra" / "launcher").glob("*.yaml"))


def problems(*words: str) -> list[str]:
    try:
        jobs_of_command(["-m", *words])
    except UserError as error:
        return [str(problem) for problem in error.problems]
    return []


def composed(name: str, *overrides: str) -> dict[str, Any]:
    """A launcher's config."""
    cfg = open_loader().load_configuration("config", [f"hydra/launcher={name}", *overrides], RunMode.MULTIRUN)
    return {str(key): value for key, value in cfg.hydra.launcher.items_ex(resolve=False)}


def launcher(name: str) -> set[str]:
    """The keys of a launcher's config, as it is composed."""
    return set(composed(name))


@pytest.mark.parametrize("name", OURS)
def test_a_launcher_s_file_is_described_and_complete(name: str) -> None:
    file = search.conf_folder() / "hydra" / "launcher" / f"{name}.yaml"
    assert file.read_text().startswith("# ")
    own = OmegaConf.load(file)
    assert isinstance(own, DictConfig)
    assert launcher(name) == (launcher(own.defaults[0]) if "defaults" in own else {str(key) for key in own})


def test_a_plugin_s_config_of_the_same_name_adds_nothing() -> None:
    ours = composed("joblib")
    theirs = {"_target_": "hydra_plugins.theirs.Launcher", "backend": None, "n_jobs": 7}
    ConfigStore.instance().store(group="hydra/launcher", name="joblib", node=theirs, provider="theirs")
    assert composed("joblib") == ours and "backend" not in ours
    assert problems("hydra/launcher=joblib") == []


@pytest.mark.parametrize(("name", "package"), [("joblib", "joblib"), ("submitit_local", "submitit")])
def test_a_package_that_is_not_installed(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    told = f"hydra/launcher: {package} is not installed; pip install 'frostline[{package}]'"
    assert problems(f"hydra/launcher={name}", "seed=1,2") == [told]
    assert jobs_of_command([f"hydra/launcher={name}"])  # which a run by itself does not need


def test_slurm_where_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("slurm", "submitit_slurm"):
        [told] = problems(f"hydra/launcher={name}", "seed=1,2")
        assert told.startswith("hydra/launcher: slurm, but there is no sbatch on PATH; ")


def test_slurm_has_the_name_of_hydra_s_own_plugin_too() -> None:
    """And nothing of that plugin's config is mixed in where it is installed."""
    theirs = {"_target_": "hydra_plugins.theirs.Launcher", "timeout_min": 60, "stderr_to_stdout": False}
    ConfigStore.instance().store(group="hydra/launcher", name="submitit_slurm", node=theirs, provider="theirs")
    assert composed("submitit_slurm", "hydra.launcher.partition=gpu") == composed("slurm") | {"partition": "gpu"}


def test_a_launcher_of_the_user_s_own_that_is_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "conf" / "hydra" / "launcher"
    folder.mkdir(parents=True)
    (folder / "theirs.yaml").write_text("_target_: hydra_plugins.theirs.Launcher\n")
    [told] = problems("--config-dir", str(tmp_path / "conf"), "hydra/launcher=theirs")
    assert told.startswith("hydra/launcher: 'hydra_plugins.theirs.Launcher' cannot be imported (No module named")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["hydra.launcher.n_jobs=0"], "hydra.launcher.n_jobs: "),
        (["hydra.launcher.n_jobs=many"], "hydra.launcher.n_jobs: "),
        (["hydra.launcher.njobs=2"], "hydra.launcher.njobs: no such key; did you mean hydra.launcher.n_jobs?"),
    ],
)
def test_wrong_settings_of_a_launcher(words: list[str], told: str) -> None:
    [problem] = problems("hydra/launcher=joblib", *words)
    assert problem.startswith(told)


def test_a_rerun_that_another_worker_takes_up_stays_in_its_folder(tmp_path: Path) -> None:
    def leaf(number: int, seed: int) -> str:
        words = ["rerun=true", f"seed={seed}", f"hydra.job.num={number}"]
        words.append(f"++hydra.job.env_set.{resolvers.SWEEP}={tmp_path}")
        cfg = open_loader().load_configuration("config", words, RunMode.RUN)
        return resolvers.folder_name(_root_=cfg)

    first = leaf(0, seed=1)
    assert first.endswith("-rerun1")
    resolvers.forget_reruns()  # a new process
    Path("runs/default", first).mkdir(parents=True)
    assert leaf(0, seed=1) == first
    assert leaf(1, seed=2).endswith("-rerun1")
    resolvers.forget_reruns()
    assert leaf(2, seed=1).endswith("-rerun2")
