"""What is drawn, what is trained of it, and what is told of the best.

Tests frostline.sweeps.trials.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Command, Said, in_process
from frostline.results.atomic_files import read_json
from searches import (
    FUSED,
    PRUNED,
    SEARCH,
    costs,
    drawn,
    lines,
    scores,
    searched,  # noqa: F401  # a fixture
    states,
    trials,
)

frostline = in_process


def test_the_best_trial_is_told_as_the_command_that_repeats_it(searched: Said) -> None:  # noqa: F811
    best = max(range(8), key=lambda number: scores()[number])
    head, _, overrides = lines(searched)[-1].rpartition(": ")
    assert head == f"best: trial {best}, val/f1_macro {scores()[best]:.4g}"
    [result] = [
        read_json(file)
        for file in Path("runs").glob("*/*/result.json")
        if overrides.split() == read_json(file)["overrides"][-1:]
    ]
    assert result["metrics"]["val/f1_macro"] == scores()[best]


def test_several_objectives_end_in_a_front(frostline: Command) -> None:
    objectives = "hydra.sweeper.objectives=[val/f1_macro,parameters/ever_trainable]"
    said = frostline(*FUSED, "head=linear,cosine,mlp", objectives)
    assert said.status == 0, said.err
    found = [(*trial.values,) for trial in trials()]
    best = {i for i, (f1, size) in enumerate(found) if not any(_beats(other, (f1, size)) for other in found)}
    at = next(i for i, line in enumerate(lines(said)) if " best: no other trial" in line)
    table = [line.split() for line in lines(said)[at + 1 :]]
    assert table[0] == ["trial", "optimizer.lr", "head", "val/f1_macro", "parameters/ever_trainable"]
    assert {int(row[0]) for row in table[2:]} == best
    for row in table[2:]:
        assert [float(word) for word in row[3:]] == pytest.approx(found[int(row[0])], rel=1e-3)


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and one[0] >= other[0] and one[1] <= other[1]


def test_a_batch_of_trials_is_trained_together(frostline: Command) -> None:
    said = frostline(*FUSED, PRUNED)
    assert said.status == 0, said.err
    assert said.err.count("4 jobs trained together") == 2
    assert "no trial is pruned" in said.err
    assert states() == ["COMPLETE"] * 8 and len(costs()) == 8
    assert frostline(*FUSED, PRUNED, "hydra.sweeper.n_trials=10").status == 0
    assert states() == ["COMPLETE"] * 10


@pytest.mark.slow
def test_a_batch_comes_to_the_trials_that_it_comes_to_one_by_one(searched: Said, frostline: Command) -> None:  # noqa: F811
    assert frostline(*FUSED, "hydra/launcher=basic", "paths.runs=alone").status == 0
    assert drawn("alone") == drawn()
    assert scores("alone") == pytest.approx(scores(), abs=1e-4)


def test_a_point_that_is_drawn_twice_is_one_run(frostline: Command) -> None:
    words = [*SEARCH, "head=linear,cosine", "hydra.sweeper.n_jobs=3", "hydra.sweeper.sampler=random"]
    said = frostline(*words, "hydra.sweeper.n_trials=6")
    assert said.status == 0, said.err
    assert states() == ["COMPLETE"] * 6 and len(costs()) == 2
    assert {(trial.params["head"], trial.value) for trial in trials()} == {
        (head, value) for head, value in zip(*_by_head(), strict=True)
    }
    assert said.err.count("epoch 2 of 2") == 2


def _by_head() -> tuple[list[str], list[float]]:
    found = [read_json(file) for file in Path("runs").glob("*/*/result.json")]
    return [run["choices"]["head"] for run in found], [run["metrics"]["val/f1_macro"] for run in found]


def test_a_trial_that_fails_counts_and_is_told_as_failed(frostline: Command) -> None:
    words = [
        *SEARCH,
        "optimizer=sgd",
        "trainer.gradient_clip_val=null",
        "freezing=full",
        "optimizer.lr=interval(1e37,1e38)",
    ]
    said = frostline(*words, "hydra.sweeper.n_trials=2")
    assert said.status == 1
    assert set(states()) == {"FAIL"} and len(states()) == 2
    assert lines(said)[-1] == "best: no trial is complete"
    limited = frostline(*words, "hydra.sweeper.n_trials=4", "max_failures=0", "paths.runs=limited")
    assert limited.status == 1
    assert states("limited") == ["FAIL", "RUNNING"]  # done when the limit is raised


def test_whole_numbers_ranges_and_params_of_the_yaml_are_drawn_as_hydra_means_them(frostline: Command) -> None:
    space = ["head=mlp", "head.hidden=int(interval(2,4))", "dataset.batch_size=range(8,33,8)", "head.dropout=0.1,0.2"]
    params = "hydra.sweeper.params={optimizer.weight_decay: 'interval(0.01,0.02)'}"
    fixed = "optimizer.lr=0.01"  # after the interval for the same key
    said = frostline(*FUSED, fixed, *space, params, "hydra.sweeper.sampler=random")
    assert said.status == 0, said.err
    configs = [read_json(file)["overrides"] for file in Path("runs").glob("*/*/result.json")]
    values = [dict(line.split("=", 1) for line in overrides) for overrides in configs]
    assert len(values) == 8
    assert {value["head.hidden"] for value in values} <= {"2", "3", "4"}
    assert {value["dataset.batch_size"] for value in values} <= {"8", "16", "24", "32"}
    assert {value["optimizer.lr"] for value in values} == {"0.01"}
    assert {value["head.dropout"] for value in values} <= {"0.1", "0.2"}
    assert all(0.01 <= float(value["optimizer.weight_decay"]) <= 0.02 for value in values)
    assert all(len(value["optimizer.weight_decay"]) <= len("0.012345") for value in values)
