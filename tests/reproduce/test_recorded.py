"""The record of a run as it is repeated here: its config without the settings of its machine, and its data."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from frostline.data.corpus import Corpus, Shift, Split
from frostline.errors import UserError
from frostline.reproduce.recorded import data_problems, recorded_config
from frostline.results.folder import RunFolder
from frostline.results.identity import ID_DEFAULTS

SPLIT = Split(["a", "b"], [0, 1])
CORPUS = Corpus(SPLIT, SPLIT, Split(["c"], [0]), ["no", "yes"], "0123456789abcdef")
SHIFTS = {"tweets": Shift(SPLIT, "fedcba9876543210", 0)}


def record(config: dict[str, Any]) -> RunFolder:
    folder = RunFolder(Path("record"))
    folder.path.mkdir()
    folder.config.write_text(yaml.safe_dump(config, sort_keys=False))
    return folder


def test_a_config_is_the_recorded_one_without_the_settings_of_its_machine(job: Any) -> None:
    config = job("freezing=frozen", "optimizer.lr=0.5").config
    other = config | {"paths": {"runs": "/other/machine"}, "cache": {**config["cache"], "dir": "/other/cache"}}
    found = recorded_config(record(other))
    assert found["paths"]["runs"] == "runs" and found["cache"]["dir"] is None
    assert found["logger"]["wandb"] is None
    same = set(config) - {"paths", "cache", "logger"}
    assert {key: found[key] for key in same} == {key: config[key] for key in same}


def test_an_earlier_config_gets_the_values_that_later_keys_had_until_then(job: Any) -> None:
    config = job("recipe=setfit", "dataset.shots=8").config
    later = ID_DEFAULTS["loss"].keys() & config["loss"].keys()
    assert later
    earlier = {key: value for key, value in config["loss"].items() if key not in later}
    found = recorded_config(record(config | {"loss": earlier}))
    assert found["loss"] == earlier | {key: ID_DEFAULTS["loss"][key] for key in later}


def test_a_config_that_cannot_be_run_here_is_refused_with_all_problems(job: Any) -> None:
    config = job().config
    wrong = config | {"optimizer": {**config["optimizer"], "lrr": 1}, "trainer": {**config["trainer"], "epochz": 2}}
    with pytest.raises(UserError) as caught:
        recorded_config(record(wrong))
    assert {problem.key for problem in caught.value.problems} == {"optimizer.lrr", "trainer.epochz"}


def test_other_texts_and_other_shifted_test_sets_are_problems() -> None:
    recorded = CORPUS.described() | {"shifts": {name: shift.described() for name, shift in SHIFTS.items()}}
    assert data_problems(CORPUS, SHIFTS, recorded) == []
    other = dataclasses.replace(CORPUS, test=SPLIT, fingerprint="0" * 16)
    [problem] = data_problems(other, SHIFTS, recorded)
    assert problem.key == "dataset"
    assert "0123456789ab, 2 of train, 2 of val, 1 of test; now 000000000000, 2 of train, 2 of val, 2 of" in problem.what
    changed = {"tweets": dataclasses.replace(SHIFTS["tweets"], fingerprint="0")}
    for shifts in (changed, {}):
        [problem] = data_problems(CORPUS, shifts, recorded)
        assert (problem.key, problem.what) == ("dataset.shifts", "tweets is not the data set of the record")
