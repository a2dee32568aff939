"""A search with Optuna: killed it goes on, seeded it repeats itself, and what it gives up is no failure."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from attempts import attempt
from command_line import Command, Said, in_process
from frostline.store.files import read_json

optuna = pytest.importorskip("optuna")
frostline = in_process
SMALL = ["dataset.max_train=64", "dataset.max_val=32", "dataset.max_test=32", "dataset.max_length=32", "logger=csv"]
SEARCH = ["-m", "hydra/sweeper=optuna", *SMALL, "freezing=frozen", "trainer.max_epochs=2"]
RATE = "optimizer.lr=tag(log,interval(1e-4,1e-1))"
TWELVE = [*SEARCH, RATE, "head=linear,cosine", "hydra.sweeper.n_trials=12"]
FUSED = [*SEARCH, RATE, "hydra/launcher=fused", "hydra.sweeper.n_jobs=4", "hydra.sweeper.n_trials=8"]
PRUNED = "hydra.sweeper.pruner={name: threshold, upper: 0.0}"  # whatever comes is too much


def trials(root: str = "runs") -> list[Any]:
    """What Optuna knows, of the one search below a folder."""
    [file] = Path(root).glob("*/.optuna/*.log")
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(file)))
    [summary] = optuna.get_all_study_summaries(storage)
    found: list[Any] = optuna.load_study(study_name=summary.study_name, storage=storage).trials
    return found


def states(root: str = "runs") -> list[str]:
    return [trial.state.name for trial in trials(root)]


def drawn(root: str = "runs") -> list[dict[str, Any]]:
    return [trial.params for trial in trials(root)]


def costs(root: str = "runs") -> dict[str, float]:
    return {file.parent.name: read_json(file)["cost"]["seconds"] for file in Path(root).glob("*/*/result.json")}


def lines(said: Said) -> list[str]:
    """What follows the table."""
    every = said.out.splitlines()
    return every[every.index("") + 1 :]


def scores(root: str = "runs") -> list[float]:
    return [trial.value for trial in trials(root)]


def epochs(run: Path) -> set[int]:
    with (run / "metrics.csv").open(newline="") as file:
        return {int(row["epoch"]) for row in csv.DictReader(file)}


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
    assert lines(said)[1].startswith("12 jobs: 5 complete before, ")
    assert frostline(*TWELVE, "paths.runs=whole").status == 0
    assert (drawn("whole"), scores("whole")) == (drawn(), scores())


@pytest.mark.slow
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


def test_the_same_command_again_trains_nothing_and_a_longer_search_what_is_new(frostline: Command) -> None:
    words = [*SEARCH, RATE, "head=linear,cosine"]
    searched = frostline(*words, "hydra.sweeper.n_trials=3")
    assert searched.status == 0, searched.err
    first, before = drawn(), costs()
    again = frostline(*words, "hydra.sweeper.n_trials=3")
    assert again.status == 0
    assert lines(again)[1] == "3 jobs: 3 complete before"
    assert again.out.splitlines()[:5] == searched.out.splitlines()[:5]
    assert lines(again)[-1] == lines(searched)[-1]
    longer = frostline(*words, "hydra.sweeper.n_trials=4")
    assert lines(longer)[1] == "4 jobs: 3 complete before, 1 trained"
    assert drawn()[:3] == first
    assert {run: costs()[run] for run in before} == before


@pytest.fixture
def searched(frostline: Command) -> Said:
    """Eight trials, four at a time."""
    said = frostline(*FUSED)
    assert said.status == 0, said.err
    return said


def test_a_seeded_search_repeats_itself_and_another_seed_is_another_search(searched: Said, frostline: Command) -> None:
    assert frostline(*FUSED, "paths.runs=again").status == 0
    assert (drawn("again"), scores("again")) == (drawn(), scores())
    assert frostline(*FUSED, "paths.runs=other", "hydra.sweeper.seed=2").status == 0
    assert drawn("other") != drawn()


def test_the_best_trial_is_told_as_the_command_that_repeats_it(searched: Said) -> None:
    best = max(range(8), key=lambda number: scores()[number])
    head, _, overrides = lines(searched)[-1].rpartition(": ")
    assert head == f"best: trial {best}, val/f1_macro {scores()[best]:.4g}"
    [result] = [
        read_json(file)
        for file in Path("runs").glob("*/*/result.json")
        if overrides.split() == read_json(file)["overrides"][-1:]
    ]
    assert result["metrics"]["val/f1_macro"] == scores()[best]


def test_a_trial_that_is_pruned_has_not_failed(frostline: Command) -> None:
    words = [*SEARCH, RATE, "hydra.sweeper.n_trials=2", PRUNED]
    said = frostline(*words)
    assert said.status == 0, said.err
    assert states() == ["PRUNED", "PRUNED"]
    assert [list(trial.intermediate_values) for trial in trials()] == [[0], [0]]
    assert [line.split()[1] for line in said.out.splitlines()[2:4]] == ["pruned", "pruned"]
    assert lines(said)[1] == "2 jobs: 2 pruned"
    assert all(line.startswith("pruned: ") and line.endswith("after epoch 1 of 2") for line in lines(said)[2:4])
    assert lines(said)[-1] == "best: no trial has come to its end"
    runs = [file.parent for file in Path("runs").glob("*/*/pruned.json")]
    assert [epochs(run) for run in runs] == [{0}, {0}]
    for run in runs:
        assert not {"result.json", "failure.json"} & {file.name for file in run.iterdir()}
    again = frostline(*words)
    assert again.status == 0
    assert "epoch 1" not in again.err
    assert lines(again) == lines(said)


def test_a_pruned_trial_that_was_not_told_stays_pruned_and_for_anyone_else_is_a_run(frostline: Command) -> None:
    words = [*SEARCH, RATE, "hydra.sweeper.n_trials=1", PRUNED]
    assert frostline(*words).status == 0
    [file] = Path("runs").glob("*/.optuna/*.log")
    told = file.read_text().splitlines(keepends=True)
    file.write_text("".join(told[:-1]))  # as if killed before that was written
    assert states() == ["RUNNING"]
    said = frostline(*words)
    assert lines(said)[1].startswith("pruned: ")
    assert "epoch 1" not in said.err
    assert states() == ["PRUNED"]
    [run] = [pruned.parent for pruned in Path("runs").glob("*/*/pruned.json")]
    overrides = read_json(run / ".job.json")["overrides"]
    assert frostline(*overrides).status == 0
    assert epochs(run) == {0, 1}
    assert (run / "result.json").exists() and not (run / "pruned.json").exists()


def test_what_comes_to_its_end_at_once_is_not_pruned(frostline: Command) -> None:
    assert frostline(*SEARCH, RATE, "hydra.sweeper.n_trials=1", PRUNED, "trainer.max_epochs=1").status == 0
    assert states() == ["COMPLETE"]


@pytest.mark.slow
def test_the_ranks_of_a_pruned_trial_end_together(frostline: Command) -> None:
    words = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"]
    said = frostline(*SEARCH, RATE, "hydra.sweeper.n_trials=1", PRUNED, *words)
    assert said.status == 0, said.err
    assert states() == ["PRUNED"]
    assert lines(said)[1].startswith("pruned: ")


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
def test_a_batch_comes_to_the_trials_that_it_comes_to_one_by_one(searched: Said, frostline: Command) -> None:
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
        "trainer.gradient_clip=null",
        "freezing=full",
        "optimizer.lr=interval(1e37,1e38)",
    ]
    said = frostline(*words, "hydra.sweeper.n_trials=2")
    assert said.status == 1
    assert set(states()) == {"FAIL"} and len(states()) == 2
    assert lines(said)[-1] == "best: no trial has come to its end"
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


@pytest.mark.slow
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


# What is told before the first trial

BAD = {
    "optimizer.lr: 'interval(1,0)' is empty; give the lower end first": ["optimizer.lr=interval(1,0)"],
    "optimizer.lr: 'tag(log,interval(0,1))' has no magnitude at its lower end": ["optimizer.lr=tag(log,interval(0,1))"],
    "seed: 'range(3,1)' matches nothing, so there is no job": ["seed=range(3,1)"],
    "seed: 'tag(lgo,range(1,3))' has the tag lgo; the only tag is log": ["seed=tag(lgo,range(1,3))"],
    "seed: 'tag(log,range(1,3))' is a range, whose numbers are drawn alike": ["seed=tag(log,range(1,3))"],
    "head: there is no choice 'cosin'; did you mean cosine?": ["head=linear,cosin"],
    "head.dropout: 2.0 is not at least 0 and below 1; give": [RATE, "head.dropout=interval(0.1,2)"],
    "optimizer.weight_decay: -1 is not at least 0; give": [RATE, "optimizer.weight_decay=0,0.1,-1"],
    "hydra/sweeper: there is nothing to search among; give a key what it may be": [],
    "hydra.sweeper.n_trials: 0 is not at least 1; give a number at least 1": [RATE, "hydra.sweeper.n_trials=0"],
    "hydra.sweeper.n_jobs: 0 is not at least 1; give a number at least 1": [RATE, "hydra.sweeper.n_jobs=0"],
    "hydra.sweeper.sampler: Optuna has no sampler 'tpo'; did you mean tpe?": [RATE, "hydra.sweeper.sampler=tpo"],
    "hydra.sweeper.sampler.n_startup: TPESampler takes no such argument; did you mean": [
        RATE,
        "hydra.sweeper.sampler={name: tpe, n_startup: 3}",
    ],
    "hydra.sweeper.pruner: Optuna has no pruner 'medain'; did you mean median?": [RATE, "hydra.sweeper.pruner=medain"],
    "hydra.sweeper.pruner: 'percentile' cannot be made so: Percentile must be": [
        RATE,
        "hydra.sweeper.pruner={name: percentile, percentile: 200}",
    ],
    "hydra.sweeper.pruner: cost/seconds is not known while a run trains": [
        RATE,
        "hydra.sweeper.pruner=median",
        "hydra.sweeper.objectives=cost/seconds",
    ],
    "hydra.sweeper.pruner: with several objectives no trial can be pruned": [
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
    "hydra.sweeper.n_jobs: 1 trial at once, so that 'fused' has no two": [RATE, "hydra/launcher=fused"],
    "rerun: a search goes on with the trials it has": [RATE, "rerun=true"],
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
    assert said.out.splitlines()[0] == "ok: a search of 20 trials, of which the ends of its space are"
    assert len(said.out.splitlines()) == 1 + 1 + 1 + 2


def test_two_searches_at_once_would_do_the_same_trials(searched: Said, frostline: Command) -> None:
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
        "hydra.sweeper.study_name: 'mine' has been another search: of other keys, values or objectives; "
        "give another, or leave it null"
    ]


def test_a_line_half_written_is_cut_off(searched: Said, frostline: Command) -> None:
    [storage] = Path("runs").glob("*/.optuna/*.log")
    with storage.open("a") as file:
        file.write('{"op_code": 4, "worker')
    said = frostline(*FUSED, "hydra.sweeper.n_trials=10")
    assert said.status == 0, said.err
    assert states() == ["COMPLETE"] * 10
