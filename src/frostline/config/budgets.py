"""How much each arm of a sweep or a study is trained, from the configs of its jobs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frostline.config.checks.outline import outline
from frostline.config.checks.source import capabilities
from frostline.config.jobs import Job
from frostline.freezing.build import with_min_steps
from frostline.models.interfaces import Capability
from frostline.types import Config

LEARNING_RATE = "optimizer.lr"
SAME_TEXTS = ("batch_size", "max_length")  # keys of the data set that do not change which texts are read
REPEATS = ("seed", "dataset.fold", "dataset.split_seed", "dataset.shots_seed", "dataset.noise_seed")
TRAINED_PARTS = ("freezing", "adapter", "pooler", "head", "trainer")  # decide whether anything is trained
EPOCHS, MIN_STEPS = "trainer.max_epochs", "trainer.min_steps"


@dataclass(frozen=True)
class Budget:
    """The training of one arm: epochs, batch size, optimizer steps as far as they are known, and learning rates."""

    epochs: int
    batch: int
    steps: str
    rates: int

    def __str__(self) -> str:
        steps = [self.steps] if self.steps else []
        epochs = f"{_count(self.epochs, 'epoch')} in batches of {self.batch}"
        return ", ".join([epochs, *steps, _count(self.rates, "learning rate")])


def unequal_budgets(
    jobs: Sequence[Job], steps: Sequence[int] | None = None, names: Sequence[str] | None = None
) -> list[str]:
    """Return a line for each budget of jobs on the same texts, and what to do; nothing if all budgets are equal.

    Jobs that train nothing by gradient steps have no budget. steps: of each job, if they are known. names: of the arm
    of each job; by default an arm is what jobs have in common apart from learning rates and seeds.
    """
    by_texts: dict[str, dict[str, list[int]]] = {}
    trained: dict[str, bool] = {}  # by the parts that decide it, because sweeps have thousands of jobs
    arm_names = _arm_names(jobs) if names is None else names
    for index, job in enumerate(jobs):
        key = json.dumps([job.config[part] for part in TRAINED_PARTS], sort_keys=True, default=str)
        if key not in trained:
            trained[key] = is_trained(job.config)
        if trained[key]:
            by_texts.setdefault(_texts_key(job.config), {}).setdefault(arm_names[index], []).append(index)
    lines: dict[str, None] = {}
    for arms in by_texts.values():
        lines |= dict.fromkeys(_unequal_arms(jobs, arms, steps))
    if not lines:
        return []
    do = f"set {EPOCHS} or {MIN_STEPS} for all of them, and try equally many values of {LEARNING_RATE}"
    return ["these arms are trained unequally, which can decide how they compare:", *lines, f"  {do}"]


def is_trained(config: Config) -> bool:
    """Return whether any parameter is trained by gradient steps."""
    trainable = outline(config).trainable_kinds
    fitted_head = Capability.FIT in capabilities(config["head"]["_target_"])
    return bool(config["trainer"]["max_epochs"]) and trainable != set() and not (fitted_head and trainable == {"head"})


def _unequal_arms(jobs: Sequence[Job], arms: dict[str, list[int]], steps: Sequence[int] | None) -> Iterator[str]:
    budgets: dict[Budget, list[str]] = {}
    for arm, indices in arms.items():
        config = _with_known_texts(jobs[indices[0]].config)
        rates = len({jobs[index].config["optimizer"]["lr"] for index in indices})
        known = _most_steps(config) if steps is None else _count(steps[indices[0]], "step")
        budget = Budget(config["trainer"]["max_epochs"], config["dataset"]["batch_size"], known, rates)
        budgets.setdefault(budget, []).append(arm)
    if len(budgets) > 1:
        yield from (f"  {budget}: {'; '.join(names)}" for budget, names in budgets.items())


def _arm_names(jobs: Sequence[Job]) -> list[str]:
    """Return the overrides of each job in which it differs from another, without learning rate and seeds."""
    arms = [[line for line in job.overrides if _override_key(line) not in (LEARNING_RATE, *REPEATS)] for job in jobs]
    common = set.intersection(*map(set, arms)) if arms else set()
    return [" ".join(line for line in lines if line not in common) or "the default" for lines in arms]


def _override_key(line: str) -> str:
    return line.lstrip("+").partition("=")[0]


def _with_known_texts(config: Config) -> Config:
    """Return the config with the epochs that `trainer.min_steps` needs, if the number of texts is limited."""
    texts = config["dataset"]["max_train"]
    return config if texts is None else with_min_steps(config, texts)


def _most_steps(config: Config) -> str:
    """Return `at most 39 steps` if the config limits the number of training texts."""
    texts, dataset = config["dataset"]["max_train"], config["dataset"]
    if texts is None:
        return ""
    return f"at most {_count(config['trainer']['max_epochs'] * math.ceil(texts / dataset['batch_size']), 'step')}"


def _texts_key(config: Config) -> str:
    keys = [key for key in config["dataset"] if key not in SAME_TEXTS and f"dataset.{key}" not in REPEATS]
    dataset = {key: config["dataset"][key] for key in keys}
    return json.dumps(dataset, sort_keys=True, default=str)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
