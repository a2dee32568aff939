"""Composed with a memory or without, a config is the same to the last of Hydra's own keys.

Tests frostline.config.hydra_internals.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins import basic_sweeper
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf

from command_line import Command, in_process
from frostline.config import loader
from frostline.config.loader import ConfigLoader, open_loader

frostline = in_process
COMMANDS = [
    [],
    ["seed=3"],
    ["freezing=frozen", "optimizer.lr=0.01", "seed=2"],
    ["freezing=frozen", "seed=7", "optimizer.lr=0.02", "+trainer.limit_batches=2"],
    ["seed=7", "freezing=top_k", "freezing.k=2", "~cache.dtype"],
    ["freezing=lp_ft", "hydra/launcher=basic", "hydra.job.num=3", "study=a", "dataset.shifts=[vader_tweets]"],
    ["freezing=lp_ft", "hydra/launcher=basic", "hydra.sweep.subdir=x", "dataset={batch_size: 8}"],
    ["encoder=hub", "encoder.name=some/where", "head=mlp", "experiment=adaptation/topics"],
    ["freezing=frozen,full", "seed=range(1,4)", "optimizer.lr=1e-3"],
    ["recipe=setfit", "hydra.job.env_copy=[HOME]", "paths.runs=elsewhere"],
    ["hydra.searchpath=[file:///]", "seed=2"],
]


def told(one: ConfigLoaderImpl, lines: list[str], mode: RunMode) -> tuple[str, list[bool | None]]:
    cfg = one.load_configuration("config", lines, mode, validate_sweep_overrides=False)
    nodes = (cfg, cfg.hydra, cfg.trainer)
    flags = [flag for node in nodes for flag in (OmegaConf.is_struct(node), OmegaConf.is_readonly(node))]
    return OmegaConf.to_yaml(cfg), flags


@pytest.fixture
def loaders() -> tuple[ConfigLoader, ConfigLoaderImpl]:
    ours = open_loader()
    return ours, ConfigLoaderImpl(ours.config_search_path)


@pytest.mark.parametrize("mode", [RunMode.RUN, RunMode.MULTIRUN])
def test_a_config_is_that_of_hydra_whatever_was_composed_before(
    loaders: tuple[ConfigLoader, ConfigLoaderImpl], mode: RunMode
) -> None:
    ours, hydra = loaders
    expected = [told(hydra, lines, mode) for lines in COMMANDS]
    assert [told(ours, lines, mode) for lines in COMMANDS] == expected
    assert [told(ours, lines, mode) for lines in reversed(COMMANDS)] == expected[::-1]
    assert 3 < len(ours.memory.composed) < len(COMMANDS)


def test_what_is_done_to_a_config_is_not_done_to_the_next(loaders: tuple[ConfigLoader, ConfigLoaderImpl]) -> None:
    ours, _ = loaders
    before = told(ours, ["seed=3"], RunMode.RUN)
    cfg = ours.load_configuration("config", ["seed=3"], RunMode.RUN)
    cfg.trainer.max_epochs = 99
    cfg.hydra.overrides.task.append("more")
    assert told(ours, ["seed=3"], RunMode.RUN) == before


@pytest.mark.parametrize("lines", [["optimizer.rate=1"], ["freezing=frozn"], ["seed"], ["+seed=2"]])
def test_what_hydra_refuses_is_refused_in_its_words(
    loaders: tuple[ConfigLoader, ConfigLoaderImpl], lines: list[str]
) -> None:
    said = []
    for one in loaders:
        with pytest.raises(HydraException) as error:
            one.load_configuration("config", lines, RunMode.RUN)
        said.append(str(error.value))
    assert said[0] == said[1]


def test_a_worker_gets_the_loader_without_its_memory(loaders: tuple[ConfigLoader, ConfigLoaderImpl]) -> None:
    ours, _ = loaders
    before = told(ours, ["seed=3"], RunMode.RUN)
    sent = pickle.dumps(ours)
    loader.forget_configs()  # another process has its own
    there = pickle.loads(sent)
    assert ours.memory.composed and not there.memory.composed
    assert told(there, ["seed=3"], RunMode.RUN) == before


def test_each_command_reads_its_yaml_anew() -> None:
    file = Path("mine/head/scaled.yaml")
    file.parent.mkdir(parents=True)
    for name in ("first", "second"):
        file.write_text(f"_target_: mylab.heads.Scaled\nname: {name}\n")
        ours = open_loader(config_dir="mine")
        assert ours.load_configuration("config", ["head=scaled"], RunMode.RUN).head.name == name


def test_the_check_of_a_sweep_and_its_jobs_compose_their_choices_once(
    frostline: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed: list[RunMode] = []
    theirs = ConfigLoaderImpl._load_configuration_impl

    def counted(self: Any, **arguments: Any) -> Any:
        composed.append(arguments["run_mode"])
        return theirs(self, **arguments)

    monkeypatch.setattr(ConfigLoaderImpl, "_load_configuration_impl", counted)
    few = ["dataset.max_train=32", "dataset.max_val=16", "dataset.max_test=16"]
    assert frostline("-m", "freezing=direct", "seed=1,2", *few, "logger=csv").status == 0
    assert sorted(mode.name for mode in composed) == ["MULTIRUN", "RUN"]


def test_the_classes_that_hydra_made_anew_since_are_no_hindrance(
    loaders: tuple[ConfigLoader, ConfigLoaderImpl], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a launcher's worker it runs its plugins' modules again, after the configs came with the old classes."""
    ours, hydra = loaders
    monkeypatch.setattr(basic_sweeper, "BasicSweeperConf", type("BasicSweeperConf", (), {}))
    for _ in range(2):
        assert told(ours, ["seed=3"], RunMode.MULTIRUN) == told(hydra, ["seed=3"], RunMode.MULTIRUN)
