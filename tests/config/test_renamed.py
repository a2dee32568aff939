"""A config key that has a new name is refused with that name, wherever it is set."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from command_line import Command, in_process
from frostline.config import jobs as command
from frostline.config.renamed import RENAMED
from frostline.config.resolvers import PREFIX
from frostline.errors import UserError

frostline = in_process
KEYS = sorted(key for key in RENAMED if not key.startswith(PREFIX))
HELD_BY = {"adapter.targets": "adapter=lora", "adapter.suits": "adapter=lora", "adapter.tokens": "adapter=prompt"} | {
    "freezing.watch": "freezing=plateau"
}


def problems(*words: str) -> list[str]:
    with pytest.raises(UserError) as caught:
        command.jobs_of_command(list(words))
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("key", KEYS)
def test_an_old_key_on_the_command_line_is_refused_with_the_new_one(key: str) -> None:
    words = [HELD_BY[key]] if key in HELD_BY else []
    for override in (f"{key}=1", f"+{key}=1", f"~{key}"):
        assert problems(*words, override) == [f"{key}: renamed; use {RENAMED[key]}"]


@pytest.mark.parametrize("key", KEYS)
def test_the_new_key_is_one_of_the_config(key: str) -> None:
    group, _, name = RENAMED[key].partition(".")
    [job] = command.jobs_of_command([HELD_BY[key]] if key in HELD_BY else [])
    assert name in job.config[group]


def test_all_old_keys_of_a_sweep_are_refused_at_once(frostline: Command) -> None:
    said = frostline("check", "-m", "trainer.accumulate=1,2", "scheduler.warmup=0.1", "seed=1,2", "seeds=3")
    assert said.status == 2
    assert said.err.splitlines()[:3] == [
        "config has 3 problems:",
        "  trainer.accumulate: renamed; use trainer.accumulate_grad_batches",
        "  scheduler.warmup: renamed; use scheduler.warmup_ratio",
    ]


def test_all_old_keys_of_an_experiment_are_refused_at_once(own_folder: None) -> None:
    arm: dict[str, dict[str, int]] = defaultdict(dict)
    for group, _, name in (key.partition(".") for key in KEYS):
        arm[group][name] = 1
    file = Path("experiments/lab/arm.yaml")
    file.parent.mkdir(parents=True)
    file.write_text(f"# @package _global_\n# An arm\n{yaml.safe_dump(dict(arm))}")
    assert sorted(problems("experiment=lab/arm")) == [f"{key}: renamed; use {RENAMED[key]}" for key in KEYS]


def test_an_old_key_in_a_yaml_of_one_s_own_is_refused(own_folder: None) -> None:
    for group in ("freezing", "optimizer"):
        Path("conf", group).mkdir(parents=True)
    Path("conf/freezing/mine.yaml").write_text("_target_: frostline.freezing.strategies.full.full\nsuits: {lr: 1e-3}\n")
    Path("conf/optimizer/mine.yaml").write_text(
        "_target_: frostline.training.optimizers.adamw.adamw\nlr: ${frostline.suits:lr}\n"
    )
    assert problems("--config-dir", "conf", "freezing=mine", "optimizer=mine") == [
        "frostline.suits: renamed; use frostline.recommended",
        "freezing.suits: renamed; use freezing.recommended",
    ]


def test_a_part_of_one_s_own_may_have_an_argument_of_an_old_name(own_folder: None) -> None:
    Path("conf/loss").mkdir(parents=True)
    Path("lossmodule.py").write_text("class Mine:\n    def __init__(self, smoothing: float = 0.0) -> None: ...\n")
    Path("conf/loss/mine.yaml").write_text("_target_: lossmodule.Mine\nsmoothing: 0.0\n")
    [job] = command.jobs_of_command(["--config-dir", "conf", "loss=mine", "loss.smoothing=0.1"])
    assert job.config["loss"]["smoothing"] == 0.1
