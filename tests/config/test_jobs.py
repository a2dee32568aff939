"""A command's jobs: which run each is, and where it goes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from frostline.config import jobs as command
from frostline.config import resolvers
from frostline.results.identity import run_folder_name, run_id


def jobs(line: str) -> list[command.Job]:
    return command.jobs_of_command(line.split())


def test_a_run_has_the_same_folder_alone_and_in_a_sweep() -> None:
    alone = [jobs(f"freezing={name}")[0] for name in ("direct", "full")]
    assert [(job.id, job.folder) for job in jobs("-m freezing=direct,full")] == [(job.id, job.folder) for job in alone]


@pytest.mark.parametrize("line", ["logger=none", "paths.runs=out", "rerun=true", "optimizer.lr=0.0001", "head=linear"])
def test_what_changes_no_number_keeps_the_id(line: str) -> None:
    assert jobs(line)[0].id == jobs("")[0].id


@pytest.mark.parametrize("line", ["seed=2", "optimizer.lr=0.1", "head.dropout=0.1", "study=other", "dataset.max_val=9"])
def test_what_changes_a_number_changes_the_id(line: str) -> None:
    assert jobs(line)[0].id != jobs("")[0].id


def shuffled(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    keys = list(value)
    random.Random(3).shuffle(keys)
    return {key: shuffled(value[key]) for key in keys}


def test_the_order_of_keys_is_nothing_to_the_id() -> None:
    [job] = jobs("")
    assert list(shuffled(job.config)) != list(job.config)
    assert run_id(shuffled(job.config)) == job.id
    assert run_id({"a": 1.0, "b": [2]}) == run_id({"b": (2.0,), "a": 1})
    assert run_id({"a": 1}) != run_id({"a": True})


def test_a_folder_s_name_says_what_the_run_is() -> None:
    [job] = jobs("encoder=minilm head=mlp pooler=cls seed=3 study=lab paths.runs=out")
    assert job.folder == Path("out/lab") / f"full-minilm-cls-mlp-vader_movies-s3-{job.id[:8]}"
    assert run_folder_name({"seed": 1}, {"encoder": "a/b c"}) == f"a_b_c-s1-{run_id({'seed': 1})[:8]}"


def test_a_rerun_has_the_first_new_folder_beside_the_run_s() -> None:
    first = jobs("")[0].folder
    for number in (1, 2, 3):
        again = jobs("rerun=true")[0].folder
        assert again == first.with_name(f"{first.name}-rerun{number}")
        again.mkdir(parents=True)
    assert [job.folder.name[-1] for job in jobs("-m rerun=true seed=1,1")] == ["4", "5"]


def test_a_rerun_keeps_its_folder_while_it_works() -> None:
    search_again = command.new_composer(command.parse_arguments(["rerun=true"])).compose(["rerun=true"])
    assert search_again is not None
    resolvers.forget_reruns()
    folder = Path(search_again.hydra.run.dir)
    folder.mkdir(parents=True)
    assert Path(search_again.hydra.run.dir) == folder


def test_a_complete_run_is_not_written_to_by_hydra(tmp_path: Path) -> None:
    cfg = command.new_composer(command.parse_arguments([])).compose([])
    assert cfg is not None
    cfg.hydra.runtime.output_dir = str(tmp_path)
    assert cfg.hydra.output_subdir == ".hydra"
    (tmp_path / "result.json").write_text("{}")
    assert cfg.hydra.output_subdir is None


def test_explicit_folders_are_taken_as_they_are() -> None:
    assert jobs("hydra.run.dir=here/now")[0].folder == Path("here/now")
    assert jobs("hydra.run.dir=here/${seed}")[0].folder == Path("here/1")
    assert {job.folder.parent for job in jobs("-m hydra.sweep.dir=there seed=1,2")} == {Path("there")}
    assert [str(job.folder) for job in jobs("-m hydra.sweep.dir=x hydra.sweep.subdir=${hydra.job.num} seed=5,6")] == [
        "x/0",
        "x/1",
    ]


def test_sweeps_are_expanded_as_hydra_does() -> None:
    swept = jobs("-m freezing=frozen,full seed=range(1,4) optimizer.lr=1e-4")
    assert [(job.choices["freezing"], job.config["seed"]) for job in swept] == [
        (name, seed) for name in ("frozen", "full") for seed in (1, 2, 3)
    ]
    assert jobs("freezing=frozen -m seed=1,2")[1].overrides == ["freezing=frozen", "seed=2"]


def test_the_rules_of_a_file_are_in_the_config_and_make_the_id(tmp_path: Path) -> None:
    ids = set()
    for rate in (1.0, 0.5, 0.5):
        (tmp_path / "rules.yaml").write_text(f"phases:\n  - rules: [['*', {rate}]]\n")
        [job] = jobs("freezing=rules freezing.file=rules.yaml")
        assert job.config["freezing"]["phases"] == [{"rules": [["*", rate]]}]
        ids.add(job.id)
    assert len(ids) == 2
