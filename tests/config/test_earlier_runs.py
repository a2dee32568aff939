"""The runs that a command would repeat are found by all of their config but the content of files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from frostline.config.earlier_runs import changed_inputs, changed_keys
from frostline.results.atomic_files import write_json
from frostline.results.folder import RunFolder
from frostline.results.identity import describe_job, run_id

CONFIG = {"seed": 1, "dataset": {"train": "my.csv", "test": "other.csv"}, "head": {"_target_": "lab.heads.Mine"}}
KEYS = ("dataset.train", "dataset.test", "head._target_")
CONTENTS = st.dictionaries(st.sampled_from(KEYS), st.sampled_from("ab"), min_size=1)


@dataclass(frozen=True)
class Planned:
    """A job as far as its folder matters."""

    config: dict[str, Any]
    name: str = "full-"
    overrides: Sequence[str] = ()

    @property
    def id(self) -> str:
        return run_id(self.config)

    @property
    def folder(self) -> Path:
        return Path("runs", f"{self.name}{self.id[:8]}")


def planned(**inputs: str) -> Planned:
    return Planned(CONFIG | {"inputs": {key.replace("_of_", "."): value for key, value in inputs.items()}})


def start(job: Planned, at: int) -> None:
    folder = RunFolder(job.folder)
    folder.path.mkdir(parents=True)
    write_json(folder.job, describe_job(job.config, {}, []))
    os.utime(folder.job, (at, at))


@given(before=CONTENTS, now=CONTENTS)
def test_the_keys_that_changed_are_those_with_other_content(before: dict[str, str], now: dict[str, str]) -> None:
    recorded = describe_job(CONFIG | {"inputs": before}, {}, [])
    expected = [key for key in sorted(KEYS) if before.get(key) != now.get(key)]
    assert list(changed_keys(recorded, CONFIG | {"inputs": now})) == expected
    assert changed_keys(recorded, CONFIG | {"seed": 2, "inputs": now}) == ()
    assert changed_keys(recorded, CONFIG) == changed_keys({}, CONFIG | {"inputs": now}) == ()


def test_the_last_run_on_other_content_is_named_with_what_has_changed() -> None:
    assert changed_inputs([planned(dataset_of_train="b")]) == []
    old, older, other = (planned(dataset_of_train=content) for content in "acd")
    start(older, 1_000_000)
    start(old, 2_000_000)
    start(replace(other, name="frozen-"), 3_000_000)  # of another choice
    start(replace(other, config=other.config | {"seed": 2}), 3_000_000)
    (line,) = changed_inputs([planned(dataset_of_train="b")])
    assert line.startswith("dataset.train: 'my.csv' has changed since 1970-01-2")
    assert line.endswith(f"({old.folder}): a new run")
    assert changed_inputs([old]) == []  # it is there itself


def test_the_jobs_of_a_sweep_share_a_line() -> None:
    jobs = []
    for seed in (1, 2, 3):
        old, new = (planned(dataset_of_train=content) for content in "ab")
        start(replace(old, config=old.config | {"seed": seed}), seed)
        jobs.append(replace(new, config=new.config | {"seed": seed}))
    (line,) = changed_inputs(jobs)
    assert line.endswith(": 3 new runs")
