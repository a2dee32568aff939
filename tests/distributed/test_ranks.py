"""Two ranks are one run: the same weights on both, the scores of one process, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from command_line import Command, in_process
from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder
from parts import choices
from prepared_run import prepare
from record import assert_predictions
from runs import differences, place, strategy

frostline = in_process
# Batches of 16 over 2 ranks: the last of train has 1 text, val has 3 batches, test 2, the last with 1 text.
DATA = ["dataset.max_train=129", "dataset.max_val=40", "dataset.max_test=17", "dataset.batch_size=16"]
RUN = ["logger=csv", "trainer=ddp", "trainer.accelerator=cpu", *DATA]


def traces() -> dict[str, Any]:
    """What ranks could leave in the process that started them."""
    words = ("RANK", "WORLD_SIZE", "MASTER_", "TORCHELASTIC")
    names = {name: value for name, value in os.environ.items() if any(word in name for word in words)}
    children = "".join(sorted(file.read_text() for file in Path("/proc/self/task").glob("*/children")))
    sockets = sum(file.is_socket() for file in Path("/proc/self/fd").glob("*"))
    group = torch.distributed.is_initialized()
    return {"names": names, "children": children, "sockets": sockets, "group": group}


def folders(study: str = "runs/default") -> list[RunFolder]:
    """The runs of a study, in the order in which they were done."""
    files = sorted(Path(study).glob("*/result.json"), key=lambda file: file.stat().st_mtime_ns)
    return [place(str(file.parent)) for file in files]


def config_of(run: RunFolder) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(run.config.read_text())
    return found


def scored_by_one_process(run: RunFolder) -> dict[str, float]:
    """Validation and test scores of the run's best weights."""
    config, result = config_of(run), read_json(run.result)
    config["trainer"]["devices"] = 1
    fit = prepare(config, read_json(run.job), place("scored"))
    fit.restore(load_file(run.best))
    fit.classifier.engine.enter(fit.built.plan.index_at((result["best"]["epoch"] or 1) - 1))
    return fit.evaluate()


def check_record(run: RunFolder, ranks: int = 2) -> None:
    """Its own ranks, all its phases, every text once, and the scores that one process gives the same weights."""
    result = read_json(run.result)
    assert read_json(run.environment)["ranks"] == ranks
    assert config_of(run)["trainer"]["devices"] == ranks
    learns = result["parameters"]["ever_trainable"] > 0
    lines = run.plan.read_text().splitlines()[1:-1] if learns else []
    ended, planned = [phase["name"] for phase in result["phases"]], [line.split("  ")[0] for line in lines]
    decided = any("  from 1  " in line for line in lines)  # in training: not every phase need come
    assert ended == ([name for name in planned if name in ended] if decided else planned)
    assert bool(ended) == learns
    assert sum(map(sum, result["confusion"])) == 17
    assert scored_by_one_process(run) == pytest.approx(result["metrics"], abs=1e-5)
    assert_predictions(run, result)
    assert not list(run.path.glob(".rank*"))


def distance(one: RunFolder, other: RunFolder) -> float:
    ours, theirs = load_file(one.best), load_file(other.best)
    assert ours.keys() == theirs.keys()
    return max(float((ours[name] - theirs[name]).abs().max()) for name in ours)


def test_one_and_two_ranks_in_one_sweep_come_to_the_same_weights(frostline: Command, plain: list[str]) -> None:
    """The second job has its own two ranks, though the first had none; both phases learn."""
    words = [*RUN, *plain, "freezing=lp_ft", "freezing.probe_epochs=1", "trainer.max_epochs=2", "optimizer=sgd"]
    words += ["cache.mode=off"]  # so that the second job encodes too what the first has
    before = traces()
    said = frostline("-m", *words, "trainer.devices=1,2")
    assert said.status == 0, said.err
    assert "Traceback" not in said.err
    assert "Warning" not in said.err
    assert traces() == before
    one, two = folders()
    check_record(two)
    assert distance(one, two) < 1e-5
    assert read_json(one.result)["metrics"] == pytest.approx(read_json(two.result)["metrics"], abs=1e-4)
    encoded = [read_json(run.result)["cost"]["texts_encoded"] for run in (one, two)]
    fillers = 1  # the rank that has no row of a batch of 1 takes one that counts for nothing
    assert encoded[1] == encoded[0] + fillers


@pytest.mark.slow
def test_a_language_model_s_record_counts_each_text_once_on_two_ranks(frostline: Command, plain: list[str]) -> None:
    """The test set has 1 batch, so that one rank has nothing but a text that fills its place."""
    words = [*RUN, *plain, "dataset.max_test=9", "trainer.devices=1,2", "trainer.max_epochs=1", "optimizer=sgd"]
    words += ["head=verbalizer", "head.words={negative: terrible, neutral: okay, positive: great}"]
    said = frostline("-m", *words)
    assert said.status == 0, said.err
    one, two = folders()
    assert distance(one, two) < 1e-5
    records = [read_json(run.result)["language_model"] for run in (one, two)]
    assert records[1] == pytest.approx(records[0], rel=1e-4)


# One of each way through a plan: by epochs, as training decides, with rates that it measures.
EXAMPLES = ("lp_ft", "gradual", "autofreeze", "auto_rgn")


def marked(name: str) -> Any:
    return pytest.param(name, marks=pytest.mark.slow if name in EXAMPLES else pytest.mark.exhaustive)


@pytest.mark.parametrize("name", list(map(marked, choices("freezing"))))
def test_every_strategy_on_two_ranks(frostline: Command, name: str) -> None:
    """By itself, and the same as the second job of a sweep, whose first has one rank."""
    words = [*RUN, *strategy(name), "trainer.max_epochs=5"]
    before = traces()
    assert frostline(*words, "trainer.devices=2", "hydra.run.dir=alone").status == 0
    assert traces() == before
    said = frostline("-m", *words, "trainer.devices=1,2")
    assert said.status == 0, said.err
    assert "Traceback" not in said.err
    assert traces() == before
    one, two = folders()
    check_record(one, 1)
    check_record(two, 2)
    assert read_json(place("alone").environment)["ranks"] == 2
    assert differences("alone", str(two.path)) == []


@pytest.mark.slow
def test_both_jobs_of_a_sweep_have_two_ranks_and_their_own_rates(frostline: Command) -> None:
    """The second job's ranks are new ones, with its own rate in all phases."""
    words = [*RUN, *strategy("lp_ft"), "trainer.max_epochs=5"]
    said = frostline("-m", *words, "trainer.devices=2", "optimizer.lr=0.001,0.002")
    assert said.status == 0, said.err
    assert "Traceback" not in said.err
    runs = folders()
    assert [config_of(run)["optimizer"]["lr"] for run in runs] == [0.001, 0.002]
    for run in runs:
        check_record(run)
    slow, fast = ([phase["weights"] for phase in read_json(run.result)["phases"]] for run in runs)
    assert len(slow) == len(fast) == 2 and not {*slow} & {*fast}


@pytest.mark.slow
def test_a_penalty_counts_once_however_many_ranks(frostline: Command, plain: list[str]) -> None:
    words = [*RUN, *plain, "freezing=full", "optimizer=sgd", "regularizer=l2_sp", "regularizer.alpha=1"]
    assert frostline("-m", *words, "regularizer.beta=1", "trainer.devices=1,2").status == 0
    one, two = folders()
    assert distance(one, two) < 1e-5


@pytest.mark.slow
def test_batches_in_parts_on_two_ranks(frostline: Command, plain: list[str]) -> None:
    words = [*RUN, *plain, "freezing=gradual", "trainer.max_epochs=5", "optimizer=sgd"]
    said = frostline("-m", *words, "trainer.devices=1,2", "trainer.accumulate_grad_batches=1,3")
    assert said.status == 0, said.err
    whole, *others = folders()
    assert len(others) == 3
    for run in others:
        assert distance(whole, run) < 1e-5
        check_record(run, config_of(run)["trainer"]["devices"])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in choices("averaging") if name != "none"])
def test_every_averaging_on_two_ranks(frostline: Command, plain: list[str], name: str) -> None:
    words = [*RUN, *plain, *strategy("lp_ft"), "trainer.max_epochs=5", "optimizer=sgd", f"averaging={name}"]
    assert frostline("-m", *words, "trainer.devices=1,2").status == 0
    one, two = folders()
    check_record(two)
    assert distance(one, two) < 1e-5


@pytest.mark.slow
def test_two_ranks_then_one_in_one_sweep(frostline: Command, plain: list[str]) -> None:
    said = frostline("-m", *RUN, *plain, "freezing=full", "optimizer=sgd", "trainer.devices=2,1")
    assert said.status == 0, said.err
    two, one = folders()
    check_record(two, 2)
    check_record(one, 1)
    assert distance(one, two) < 1e-5


@pytest.mark.slow
def test_fewer_batches_than_ranks(frostline: Command) -> None:
    """One batch of validation and of test, three ranks."""
    said = frostline(*RUN, "trainer.devices=3", "freezing=frozen", "dataset.max_val=9", "dataset.batch_size=32")
    assert said.status == 0, said.err
    check_record(folders()[0], 3)


def torchrun(*words: str, ranks: int = 2) -> subprocess.CompletedProcess[str]:
    start = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={ranks}", "-m", "frostline"]
    environ = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run([*start, *words], capture_output=True, text=True, env=environ, timeout=300, check=False)


@pytest.mark.slow
def test_ranks_that_torchrun_starts_are_the_run_s(frostline: Command) -> None:
    words = [*RUN, "freezing=lp_ft", "freezing.probe_epochs=1", "trainer.max_epochs=2"]
    assert frostline(*words, "study=ours").status == 0
    done = torchrun(*words, "study=theirs")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    (ours,), (theirs,) = folders("runs/ours"), folders("runs/theirs")
    check_record(theirs)
    assert read_json(ours.result)["phases"] == read_json(theirs.result)["phases"]
    again = torchrun(*words, "study=theirs")
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("complete since an earlier run") == 1
    assert again.stdout == done.stdout


@pytest.mark.slow
def test_torchrun_must_start_as_many_ranks_as_the_config_says() -> None:
    done = torchrun(*RUN, "freezing=frozen", "trainer.devices=1")
    assert done.returncode != 0
    assert "trainer.devices: 1, but torchrun has started 2 processes for the run; give trainer.devices=2" in done.stderr


@pytest.mark.slow
def test_a_sweep_is_not_for_ranks_that_torchrun_starts() -> None:
    """The ranks of the second job would wait forever for a group that has ended."""
    done = torchrun("-m", *RUN, "freezing=direct", "seed=1,2")
    assert done.returncode != 0
    message = "--multirun: one group of ranks cannot run a sweep, it ends with the first job; start the sweep by itself"
    assert message in done.stderr
    assert not Path("runs").exists()
