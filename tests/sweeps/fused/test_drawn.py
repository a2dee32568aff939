"""Forty jobs drawn at random over all that a head's training is made of: fused, each is as it is alone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml

from command_line import Command, in_process
from fused_sweeps import SMALL, assert_equals_single_run, results

frostline = in_process
JOBS, SEED = 40, 20261127
DRAWN = {
    "head": ["linear", "linear", "mlp", "mlp", "cosine", "logistic", "prototype", "knn"],
    "optimizer": ["adamw", "sgd"],
    "scheduler": ["linear_warmup", "cosine", "constant", "slanted_triangular"],
    "loss": ["cross_entropy", "cross_entropy", "focal"],
    "optimizer.lr": [1e-3, 3e-3, 1e-2, 3e-2, 0.1],
    "optimizer.weight_decay": [0.0, 0.01, 0.1],
    "trainer.max_epochs": [1, 3, 5, 8],
    "trainer.patience": [None, None, 1, 2],
    "trainer.check_val_every_n_epoch": [1, 1, 3],
    "trainer.gradient_clip_val": [None, 0.1, 1.0],
    "dataset.max_train": [40, 64, 100, 150],
    "dataset.batch_size": [8, 16, 32],
    "dataset.label_noise": [None, 0.2],
    "dataset.split_seed": [0, 1],
    "seed": list(range(1, 30)),
}
TRAINED = {"head.dropout": [0.0, 0.1, 0.5], "loss.class_weights": [None, "balanced"]}  # what solved heads do not have


def drawn(chance: random.Random) -> dict[str, object]:
    job = {key: chance.choice(values) for key, values in DRAWN.items()}
    if job["head"] in ("linear", "mlp"):
        job |= {key: chance.choice(values) for key, values in TRAINED.items()}
    return job


def write(file: Path, job: dict[str, object]) -> None:
    """As an arm of a study: a sweep on the command line is a product, and this is none."""
    groups = {key: value for key, value in job.items() if key in ("head", "optimizer", "scheduler", "loss")}
    values: dict[str, object] = {}
    for key, value in job.items():
        if key not in groups:
            *path, last = key.split(".")
            place = values.setdefault(path[0], {}) if path else values
            assert isinstance(place, dict)
            place[last] = value
    defaults = [{f"override /{group}": choice} for group, choice in groups.items()]
    file.write_text("# @package _global_\n" + yaml.safe_dump({"defaults": [*defaults, "_self_"], **values}))


@pytest.mark.slow
def test_forty_jobs_drawn_at_random_are_each_as_alone(frostline: Command) -> None:
    chance = random.Random(SEED)
    jobs = [drawn(chance) for _ in range(JOBS)]
    Path("experiments/drawn").mkdir(parents=True)
    for number, job in enumerate(jobs):
        write(Path(f"experiments/drawn/job{number:02}.yaml"), job)
    arms = "experiment=" + ",".join(f"drawn/job{number:02}" for number in range(JOBS))
    rest = [word for word in SMALL if word.split("=")[0] not in DRAWN]
    assert frostline("-m", "logger=csv", *rest, arms).status == 0
    Path("runs").rename("alone")
    said = frostline("-m", "hydra/launcher=fused", "logger=csv", *rest, arms)
    assert said.status == 0, said.err
    assert f"{JOBS} jobs trained together" in said.err
    ours, theirs = results("default"), results("default", "alone")
    assert len(ours) == JOBS
    assert ours.keys() == theirs.keys()
    for job in ours:
        assert_equals_single_run(ours[job], theirs[job])
