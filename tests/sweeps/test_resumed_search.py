"""Killed it goes on, seeded it repeats itself, and the same command again trains what is new."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Command, Said, in_process
from killable_runs import attempt
from searches import (
    FUSED,
    RATE,
    SEARCH,
    TWELVE,
    costs,
    drawn,
    lines,
    scores,
    searched,  # noqa: F401  # a fixture
    states,
)

frostline = in_process


@pytest.mark.slow
def test_killed_after_five_of_twelve_trials_and_started_again(frostline: Command) -> None:
    """Twelve trials, none twice, none that was complete trained again, all as in a search that nothing disturbed."""
    with attempt(*TWELVE) as one:
        one.until(lambda: len(costs()) == 5 and "job 5:" in one.said)
        one.kill()
    before = costs()
    assert "COMPLETE" in states() and "RUNNING" in states()
    said = frostline(*TWELVE)
    assert said.status == 0, said.err
    assert states() == ["COMPLETE"] * 12
    assert len(costs()) == len({str(values) for values in drawn()}) == 12
    assert {run: costs()[run] for run in before} == before
    assert lines(said)[1].startswith("12 jobs: 5 already complete, ")
    assert frostline(*TWELVE, "paths.runs=whole").status == 0
    assert (drawn("whole"), scores("whole")) == (drawn(), scores())


@pytest.mark.exhaustive
def test_a_search_killed_as_often_as_it_has_trials_is_the_undisturbed_one(frostline: Command) -> None:
    """Killed with the storage just written to: a draw half made, a trial ended and not told."""
    words = [*SEARCH, RATE, "head=linear,cosine", "hydra.sweeper.n_trials=6", "hydra.sweeper.n_jobs=2"]
    for size in (300, 1200, 2000, 2700, 3600, 4400):
        with attempt(*words) as one:
            one.until(lambda size=size: sum(f.stat().st_size for f in Path("runs").glob("*/.optuna/*.log")) > size)
            one.kill()
    assert frostline(*words).status == 0
    assert frostline(*words, "paths.runs=whole").status == 0
    assert states() == ["COMPLETE"] * 6
    assert (drawn("whole"), scores("whole")) == (drawn(), scores())


@pytest.mark.exhaustive
def test_the_same_command_again_trains_nothing_and_a_longer_search_what_is_new(frostline: Command) -> None:
    words = [*SEARCH, RATE, "head=linear,cosine"]
    once = frostline(*words, "hydra.sweeper.n_trials=3")
    assert once.status == 0, once.err
    first, before = drawn(), costs()
    again = frostline(*words, "hydra.sweeper.n_trials=3")
    assert again.status == 0
    assert lines(again)[1] == "3 jobs: 3 already complete"
    assert again.out.splitlines()[:5] == once.out.splitlines()[:5]
    assert lines(again)[-1] == lines(once)[-1]
    longer = frostline(*words, "hydra.sweeper.n_trials=4")
    assert lines(longer)[1] == "4 jobs: 3 already complete, 1 trained"
    assert drawn()[:3] == first
    assert {run: costs()[run] for run in before} == before


@pytest.mark.slow
def test_a_seeded_search_repeats_itself_and_another_seed_is_another_search(searched: Said, frostline: Command) -> None:  # noqa: F811
    assert frostline(*FUSED, "paths.runs=again").status == 0
    assert (drawn("again"), scores("again")) == (drawn(), scores())
    assert frostline(*FUSED, "paths.runs=other", "hydra.sweeper.seed=2").status == 0
    assert drawn("other") != drawn()


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "sampler", ["random", "qmc", "gp", "nsgaii", "{name: tpe, n_startup_trials: 2, multivariate: true}"]
)
def test_samplers_go_on_as_they_would_have(sampler: str, frostline: Command) -> None:
    words = [*FUSED, "seed=range(1,9)", f"hydra.sweeper.sampler={sampler}", "trainer.max_epochs=1"]
    assert frostline(*words, "hydra.sweeper.n_trials=4").status == 0
    assert frostline(*words).status == 0
    assert frostline(*words, "paths.runs=whole").status == 0
    assert len(drawn()) == 8 and len({str(values) for values in drawn()}) > 4
    assert drawn("whole") == drawn()


@pytest.mark.slow
def test_a_line_half_written_is_cut_off(searched: Said, frostline: Command) -> None:  # noqa: F811
    [storage] = Path("runs").glob("*/.optuna/*.log")
    with storage.open("a") as file:
        file.write('{"op_code": 4, "worker')
    said = frostline(*FUSED, "hydra.sweeper.n_trials=10")
    assert said.status == 0, said.err
    assert states() == ["COMPLETE"] * 10
