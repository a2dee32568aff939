"""One store for many runs: a sweep's jobs, two runs at once, and a run killed while it wrote.

Tests frostline.cache.shared_store.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from test_frozen_states import EQUAL, long_texts

from command_line import Command, in_process
from conftest import Go
from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder
from killable_runs import attempt, complete
from runs import outcome, place

frostline = in_process
TEXTS = 256 + 40 + 64  # of train, val and test
KEEP = ["freezing=top_k", "logger=csv", "cache.mode=on", "trainer.max_epochs=2"]


def encoded(*runs: RunFolder) -> int:
    return sum(read_json(run.result)["cost"]["texts_encoded"] for run in runs)


def is_as_alone(go: Go, run: RunFolder) -> bool:
    """To the bit what the same run is without a store, but for what Hydra notes beside."""
    alone = RunFolder(go(*read_json(run.result)["overrides"], "cache.mode=off", "paths.runs=alone")["folder"])
    one, other = outcome(run), outcome(alone)
    return {key for key in one if one[key] != other[key]} <= {"files"}


def test_the_jobs_of_a_sweep_share_one_pass(go: Go, frostline: Command, tmp_path: Path) -> None:
    """Of the strategies one needs states, the other vectors, which are built from them; each is as it is alone."""
    words = [*EQUAL, *long_texts(tmp_path), *KEEP]
    said = frostline("-m", *words, "freezing=top_k,frozen", "optimizer.lr=1e-3,1e-2")
    assert said.status == 0, said.err
    jobs = [RunFolder(file.parent.absolute()) for file in Path("runs/default").glob("*/result.json")]
    assert len(jobs) == 4
    assert encoded(*jobs) == TEXTS
    saved = [line.split()[-2] for line in said.out.splitlines()[2:6]]
    assert saved == [f"{1 - TEXTS / (2 * (256 + 40) + 64):.0%}", "100%", "100%", "100%"]
    assert all(is_as_alone(go, job) for job in jobs)


@pytest.mark.slow
def test_two_runs_at_once_encode_once_and_are_each_as_alone(go: Go, tmp_path: Path) -> None:
    words = [*EQUAL, *long_texts(tmp_path), *KEEP]
    runs = [place(f"run{seed}") for seed in (1, 2)]
    with attempt(*words, "seed=1", "hydra.run.dir=run1") as one, attempt(*words, "seed=2", "hydra.run.dir=run2") as two:
        assert (one.wait(), two.wait()) == (0, 0), one.said + two.said
    assert encoded(*runs) == TEXTS
    assert all(is_as_alone(go, run) for run in runs)


@pytest.mark.slow
def test_a_run_killed_while_it_writes_the_store_goes_on_from_what_it_wrote(go: Go, tmp_path: Path) -> None:
    many = ["dataset=vader_movies", "dataset.max_val=64", "dataset.max_test=64", "dataset.batch_size=64", *KEEP]
    many += ["dataset.max_train=4000", "trainer.limit_batches=1"]
    parts = Path("store").absolute()
    with attempt(*many, "hydra.run.dir=run") as one:
        one.until(lambda: any(f.stat().st_size for f in parts.glob("*.partial/texts.*")))
        one.kill()
    [work] = parts.glob("*.partial")
    assert not list(parts.glob("*/manifest.json"))
    said = complete(*many, "hydra.run.dir=run")
    assert "Traceback" not in said
    assert not work.exists()
    assert encoded(place("run")) < 4000 + 64 + 64
    complete(*many, "hydra.run.dir=again", "cache.dir=other")
    assert read_json(place("run").result)["metrics"] == read_json(place("again").result)["metrics"]
