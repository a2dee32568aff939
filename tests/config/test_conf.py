"""Every choice in conf/: described, listing every knob with the default of the code, and fit to run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

import finished_runs
import parts
from frostline.config import jobs as command
from frostline.config import search_path as search
from frostline.config.checks.check import FIXED, SETTINGS, SUPPLIED, TOP_LEVEL
from frostline.config.checks.dataset import TEXTS
from frostline.config.checks.signature import read_signature
from frostline.config.checks.source import UNKNOWN
from frostline.results.identity import without_modules

CONF = search.conf_folder()
CHOICES = sorted((file.parent.name, file.stem) for file in CONF.glob("*/*.yaml"))
NEEDS = {  # what a choice cannot do without
    ("encoder", "hub"): ["encoder.name=owner/model"],
    ("encoder", "run"): ["encoder.path=finished"],
    ("head", "run"): ["head.path=finished"],
    ("freezing", "rules"): ["freezing.phases=[{rules: [['*', 1]]}]"],
    ("freezing", "schedule"): ["freezing.phases=[{rules: [['*', 1]]}]"],
    ("dataset", "table"): ["dataset.train=data.csv"],
    ("dataset", "tasks"): ["dataset.tasks=[vader_movies,newsgroups]"],
    ("dataset", "hub"): ["dataset.name=owner/data"],
    **parts.NEEDS,
}
OWN = {"encoder": {"pin", "untrained", "objective"}}  # what the choices of a group differ in


@cache
def composed(group: str, name: str) -> command.Job:
    [job] = command.jobs_of_command([f"{group}={name}", *NEEDS.get((group, name), [])])
    return job


def ids(pair: tuple[str, str]) -> str:
    return "/".join(pair)


@pytest.fixture(autouse=True)
def data(own_folder: None) -> None:
    rows = [f"text {i} {label},{label}" for i in range(20) for label in ("no", "yes")]
    Path("data.csv").write_text("\n".join(["text,label", *rows]))
    finished_runs.write(Path("finished"))


@pytest.mark.parametrize("choice", CHOICES, ids=ids)
def test_a_choice_composes_and_passes_the_check(choice: tuple[str, str]) -> None:
    group, name = choice
    job = composed(group, name)
    assert job.choices[group] == name


@pytest.mark.parametrize("choice", CHOICES, ids=ids)
def test_a_choice_opens_with_its_description_and_stays_small(choice: tuple[str, str]) -> None:
    lines = (CONF / choice[0] / f"{choice[1]}.yaml").read_text().splitlines()
    comments = [line for line in lines if line.startswith("# ") and "@package" not in line]
    assert re.match(r"# \w.{15,110}$", comments[0])
    assert len(lines) <= 20


def given(group: str, name: str) -> dict[str, Any]:
    job = composed(group, name)
    ours = {"_target_", *(read_signature(SETTINGS[group], "").parameters if group in SETTINGS else {})}
    return {key: value for key, value in job.config[group].items() if key not in ours}


PARTS = [choice for choice in CHOICES if choice[0] in SUPPLIED and choice[0] != "dataset"]


@pytest.mark.parametrize("choice", PARTS, ids=ids)
def test_the_yaml_lists_every_knob_and_the_code_holds_every_default(choice: tuple[str, str]) -> None:
    group, name = choice
    job = composed(group, name)
    parameters = read_signature(job.config[group]["_target_"], group).parameters
    knobs = {knob: parameter for knob, parameter in parameters.items() if knob not in SUPPLIED[group]}
    assert given(group, name).keys() == knobs.keys()
    set_by_need = {need.split("=")[0].partition(".")[2] for need in NEEDS.get(choice, [])}
    for knob, parameter in knobs.items():
        if not parameter.required and knob not in OWN.get(group, set()) | set_by_need:
            assert same(given(group, name)[knob], parameter.default), knob


@pytest.mark.parametrize("group", ["trainer", "logger", "paths"])
def test_groups_without_parts_hold_the_same_defaults_too(group: str) -> None:
    function, supplied = FIXED[group]
    [job] = command.jobs_of_command([])
    knobs = {k: p.default for k, p in read_signature(function, group).parameters.items() if k not in supplied}
    assert job.config[group] == knobs


def test_the_keys_of_every_data_set_hold_the_defaults_of_prepare() -> None:
    [job] = command.jobs_of_command([])
    preparing = dict(list(read_signature("frostline.data.prepare.prepare", "").parameters.items())[1:])
    common = preparing | read_signature(TEXTS, "").parameters
    assert {key: job.config["dataset"][key] for key in common} == {k: p.default for k, p in common.items()}
    assert (
        job.config["freezing"]["layer_decay"]
        is read_signature(SETTINGS["freezing"], "").parameters["layer_decay"].default
    )
    top = read_signature(TOP_LEVEL, "").parameters
    assert {key: job.config[key] for key in top} == {key: p.default for key, p in top.items()}


@pytest.mark.parametrize("name", [name for group, name in CHOICES if group == "dataset"])
def test_a_data_set_lists_its_source_s_knobs(name: str) -> None:
    job = composed("dataset", name)
    knobs = read_signature(job.config["dataset"]["_target_"], "").parameters
    own = OmegaConf.load(CONF / "dataset" / f"{name}.yaml")
    assert knobs.keys() <= {str(key) for key in own}


def same(value: Any, default: Any) -> bool:
    assert default is not UNKNOWN
    return bool(value == (list(default) if isinstance(default, tuple) else default))


def test_a_strategy_that_does_not_say_what_suits_it_gets_what_suits_full() -> None:
    [job] = command.jobs_of_command(["~freezing.recommended"])
    assert (job.config["optimizer"]["lr"], job.config["trainer"]["max_epochs"]) == (1e-4, 3)
    [job] = command.jobs_of_command(["~freezing.recommended", "optimizer=sgd"])
    assert job.config["optimizer"]["lr"] == 0.01


def test_an_experiment_wins_over_the_groups_and_debug_over_the_experiment(tmp_path: Path) -> None:
    arm = tmp_path / "experiments" / "lab" / "arm.yaml"
    arm.parent.mkdir(parents=True)
    arm.write_text(
        "# @package _global_\n# An arm\ndefaults:\n  - override /freezing: top_k\n\n"
        "study: lab\nfreezing: {k: 2}\ntrainer: {max_epochs: 7, devices: 1}\ndataset: {max_length: 64}\n"
    )
    [job] = command.jobs_of_command(["experiment=lab/arm"])
    assert job.choices["freezing"] == "top_k"
    assert job.choices["experiment"] == "lab/arm"
    assert job.config["study"] == "lab"
    assert (job.config["freezing"]["k"], job.config["trainer"]["max_epochs"]) == (2, 7)
    [job] = command.jobs_of_command(["experiment=lab/arm", "debug=fast", "freezing.k=1"])
    assert (job.config["freezing"]["k"], job.config["trainer"]["max_epochs"]) == (1, 1)


def test_the_arms_of_a_study_are_swept_by_a_pattern(tmp_path: Path) -> None:
    for seed, (study, arm) in enumerate((("lab", "a"), ("lab", "b"), ("other", "c"))):
        file = tmp_path / "experiments" / study / f"{arm}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# @package _global_\nstudy: {study}\nseed: {seed}\n")
    jobs = command.jobs_of_command(["-m", "experiment=glob(lab/*)"])
    assert [job.choices["experiment"] for job in jobs] == ["lab/a", "lab/b"]


def dotted_names(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every name of ours in a config, with the group or the key that gives it a meaning."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from dotted_names(item, f"{key}.{name}".lstrip("."))
    elif isinstance(value, str) and value.startswith("frostline."):
        yield key, value


def test_the_name_of_a_part_without_its_module_is_unique_within_its_group() -> None:
    """Run ids and cache keys rely on it."""
    names: dict[tuple[str, str], set[str]] = {}
    for choice in CHOICES:
        config = composed(*choice).config
        short = dict(dotted_names(without_modules(config)))
        for key, name in dotted_names(config):
            assert short[key] == f"frostline.{name.rpartition('.')[2]}", f"{key} names code and is not in CODE_KEYS"
            names.setdefault((key, short[key]), set()).add(name)
    assert {key: found for key, found in names.items() if len(found) > 1} == {}
    assert len(names) > 60
