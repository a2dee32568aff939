"""What is wrong with a search is told before its first trial.

Tests frostline.config.search.search, frostline.config.search.problems, frostline.config.search.space.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from command_line import Command, Said, in_process
from killable_runs import attempt
from searches import (
    FUSED,
    RATE,
    SEARCH,
    TWELVE,
    costs,
    searched,  # noqa: F401  # a fixture
    states,
)

frostline = in_process


BAD = {
    "optimizer.lr: 'interval(1,0)' is empty; give the lower bound first": ["optimizer.lr=interval(1,0)"],
    "optimizer.lr: 'tag(log,interval(0,1))' has a lower bound without a logarithm": [
        "optimizer.lr=tag(log,interval(0,1))"
    ],
    "seed: 'range(3,1)' matches nothing, so there is no job": ["seed=range(3,1)"],
    "seed: 'tag(lgo,range(1,3))' has the tag lgo; the only tag is log": ["seed=tag(lgo,range(1,3))"],
    "seed: 'tag(log,range(1,3))' is a range, whose numbers are sampled uniformly": ["seed=tag(log,range(1,3))"],
    "head: there is no choice 'cosin'; did you mean cosine?": ["head=linear,cosin"],
    "head.dropout: 2.0 is not at least 0 and below 1; give": [RATE, "head.dropout=interval(0.1,2)"],
    "optimizer.weight_decay: -1 is not at least 0; give": [RATE, "optimizer.weight_decay=0,0.1,-1"],
    "hydra/sweeper: the search space is empty; give a key several values": [],
    "hydra.sweeper.n_trials: 0 is not at least 1; give a number at least 1": [RATE, "hydra.sweeper.n_trials=0"],
    "hydra.sweeper.n_jobs: 0 is not at least 1; give a number at least 1": [RATE, "hydra.sweeper.n_jobs=0"],
    "hydra.sweeper.sampler: Optuna has no sampler 'tpo'; did you mean tpe?": [RATE, "hydra.sweeper.sampler=tpo"],
    "hydra.sweeper.sampler: 'cmaes' needs cmaes, which is not installed": [RATE, "hydra.sweeper.sampler=cmaes"],
    "hydra.sweeper.sampler.n_startup: TPESampler has no such argument; did you mean": [
        RATE,
        "hydra.sweeper.sampler={name: tpe, n_startup: 3}",
    ],
    "hydra.sweeper.pruner: Optuna has no pruner 'medain'; did you mean median?": [RATE, "hydra.sweeper.pruner=medain"],
    "hydra.sweeper.pruner: 'percentile' cannot be created with these arguments: Percentile must be": [
        RATE,
        "hydra.sweeper.pruner={name: percentile, percentile: 200}",
    ],
    "hydra.sweeper.pruner: cost/seconds is not measured during training": [
        RATE,
        "hydra.sweeper.pruner=median",
        "hydra.sweeper.objectives=cost/seconds",
    ],
    "hydra.sweeper.pruner: trials cannot be pruned with several objectives": [
        RATE,
        "hydra.sweeper.pruner=median",
        "hydra.sweeper.objectives=[val/loss,cost/seconds]",
    ],
    "hydra.sweeper.objectives: a result has no 'val/f1_marco'; did you mean val/f1_macro?": [
        RATE,
        "hydra.sweeper.objectives=val/f1_marco",
    ],
    "hydra.sweeper.direction: there is no 'maximise'; did you mean maximize?": [
        RATE,
        "hydra.sweeper.direction=maximise",
    ],
    "hydra.sweeper.direction: 1 for 2 objectives (val/loss, cost/seconds)": [
        RATE,
        "hydra.sweeper.direction=minimize",
        "hydra.sweeper.objectives=[val/loss,cost/seconds]",
    ],
    "hydra.sweeper.n_jobs: 1 trial at a time, so that 'fused' has no two": [RATE, "hydra/launcher=fused"],
    "rerun: a search continues with the trials that it has": [RATE, "rerun=true"],
}


@pytest.mark.parametrize("told", BAD)
def test_a_search_that_cannot_be_done_is_told_before_its_first_trial(told: str, frostline: Command) -> None:
    said = frostline(*SEARCH, *BAD[told])
    assert said.status == 2
    assert [line for line in said.problems() if line.startswith(told)] == said.problems()
    assert not Path("runs").exists()


def test_a_check_looks_at_each_choice_and_each_end(frostline: Command) -> None:
    said = frostline("check", *SEARCH, RATE, "head=linear,cosine,mlp")
    assert said.status == 0
    assert said.out.splitlines()[0] == "ok: a search of 20 trials; the corners of its search space are"
    assert len([line for line in said.out.splitlines() if line.startswith("  runs/")]) == 1 + 1 + 2


def test_two_searches_at_once_would_do_the_same_trials(searched: Said, frostline: Command) -> None:  # noqa: F811
    [storage] = Path("runs").glob("*/.optuna/*.log")
    with FileLock(storage.with_suffix(".held")):
        said = frostline(*FUSED, "hydra.sweeper.n_trials=9")
    assert said.status == 2
    [problem] = said.problems()
    assert problem.startswith(f"hydra.sweeper.storage: another process searches in '{storage.absolute()}'; wait for it")
    assert states() == ["COMPLETE"] * 8


@pytest.mark.slow
def test_a_storage_that_a_live_search_holds_is_told_and_a_killed_one_lets_go(frostline: Command) -> None:
    with attempt(*TWELVE) as one:
        one.until(lambda: len(costs()) == 1)
        said = frostline(*TWELVE)
        assert said.status == 2
        assert "another process searches" in said.err
        one.kill()
    assert frostline(*TWELVE, "hydra.sweeper.n_trials=2").status == 0


def test_a_storage_that_is_no_storage_and_a_name_that_is_taken_are_told(frostline: Command) -> None:
    Path("notes.txt").write_text("a line\nand another\n")
    said = frostline(*SEARCH, RATE, "hydra.sweeper.storage=notes.txt")
    assert said.status == 2
    assert said.problems()[0].startswith(f"hydra.sweeper.storage: '{Path('notes.txt').absolute()}' cannot be used (")
    assert Path("notes.txt").read_text() == "a line\nand another\n"
    named = [*SEARCH, "hydra.sweeper.study_name=mine", "hydra.sweeper.n_trials=1"]
    assert frostline(*named, RATE).status == 0
    said = frostline(*named, "optimizer.lr=1e-3,1e-2")
    assert said.status == 2
    assert said.problems() == [
        "hydra.sweeper.study_name: 'mine' was another search, with other keys, values or objectives; "
        "give another, or leave it null"
    ]
