"""The epochs that a least number of optimizer steps needs (frostline.freezing.build)."""

from __future__ import annotations

import json
import math
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from command_line import Command, in_process
from frostline.freezing.build import with_min_steps
from frostline.results.identity import run_id
from frostline.types import Config

frostline = in_process
COUNT = st.integers(1, 500)


def config(epochs: int, least: int | None, batch: int = 32, **trainer: int | None) -> Config:
    return {"dataset": {"batch_size": batch}, "trainer": {"max_epochs": epochs, "min_steps": least, **trainer}}


@given(COUNT, COUNT, COUNT, COUNT, st.none() | st.integers(1, 20))
def test_there_are_as_few_epochs_as_the_steps_need(
    epochs: int, least: int, batch: int, texts: int, limit: int | None
) -> None:
    before = config(epochs, least, batch, limit_batches=limit)
    after = with_min_steps(before, texts)["trainer"]["max_epochs"]
    steps = min(math.ceil(texts / batch), limit or texts)
    assert after >= epochs and after * steps >= least
    assert after == epochs or (after - 1) * steps < least
    assert before["trainer"]["max_epochs"] == epochs, "the given config is not changed"


def test_a_run_without_epochs_or_without_a_limit_is_unchanged() -> None:
    assert with_min_steps(config(0, 100), 10) == config(0, 100)
    assert with_min_steps(config(3, None), 10) == config(3, None)


def test_the_default_changes_no_id() -> None:
    old = {"dataset": {"batch_size": 32}, "trainer": {"max_epochs": 3}}
    assert run_id(config(3, None)) == run_id(old) != run_id(config(3, 100))


def test_a_run_on_few_texts_trains_for_the_least_number_of_steps_and_says_so(frostline: Command) -> None:
    few = [f"dataset.{part}=32" for part in ("max_train", "max_val", "max_test")]
    words = ["freezing=lp_ft", "freezing.probe_epochs=1", "trainer.max_epochs=2", *few, "dataset.batch_size=16"]
    words += ["dataset.max_length=16", "trainer.min_steps=7", "logger=csv"]
    plan = frostline("plan", *words)
    assert "\ntune   2-4 " in plan.out
    run = frostline(*words)
    assert run.status == 0 and "epoch 4 of 4" in run.err, run.err
    [file] = Path("runs").glob("*/*/result.json")
    result = json.loads(file.read_text())
    assert (result["config"]["trainer"]["max_epochs"], result["cost"]["steps"]) == (4, 8)
    assert result["phases"][-1]["epochs"] == [2, 4]
    again = frostline(*words)
    assert again.status == 0 and "epoch" not in again.err, "the run is complete"
    wrong = frostline("check", "trainer.min_steps=0")
    assert wrong.status == 2 and "trainer.min_steps: 0 is not at least 1" in wrong.err + wrong.out
