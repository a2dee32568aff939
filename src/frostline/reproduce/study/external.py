"""Runs of a study that another program does, whose folders are left as `frostline` leaves its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from frostline.config import job_list as listed
from frostline.config import jobs as command
from frostline.config.jobs import Job
from frostline.console import log
from frostline.data.build import load_corpus
from frostline.data.corpus import Corpus
from frostline.errors import UserError
from frostline.results import environment
from frostline.results.atomic_files import write_json, write_text
from frostline.results.folder import RunFolder
from frostline.results.identity import run_id
from frostline.training.callbacks.predictions import SplitPredictions, write_predictions
from frostline.training.metrics import ClassificationMetrics
from frostline.types import Config

KEPT = ("seed", "study", "dataset")  # keys of a run's config that count whatever the program
GROUPS = ("dataset", "experiment")


@dataclass(frozen=True)
class Done:
    """told: of `val` and `test`. learned: how many numbers. fingerprint: of what was pre-trained."""

    told: Mapping[str, SplitPredictions]
    learned: int
    fingerprint: str | None = None


@dataclass(frozen=True)
class Program:
    """choices: what stands in the place of groups such as encoder and head. config: of a composed one, what counts
    here beside seed, study and data set; what is left out of it makes no other run. do: a run."""

    choices: Mapping[str, str]
    config: Callable[[Config], Config]
    do: Callable[[Job, Config, Corpus], Done]


def main(file: str, program: Program) -> None:
    """Do the runs of a list as `frostline reproduce` writes it; what is complete is not done again.

    Raises:
        UserError: with all that is wrong with the list.
    """
    lines = listed.read_jobs(file)
    jobs, problems = command.compose_jobs([words for _, *words in lines])
    if problems:
        raise UserError(problems)
    for (folder, *_), job in zip(lines, jobs, strict=True):
        place = RunFolder(Path(folder))
        result = place.read_result() or _run(place, job, program)
        log(f"{place.path.name}: val/f1_macro {result['metrics']['val/f1_macro']:.4f}")


def run_config(composed: Config, config: Callable[[Config], Config]) -> Config:
    """Return the config of an external run: seed, study and data set of the composed one, and the program's own."""
    return {key: composed[key] for key in KEPT} | config(composed)


def _run(place: RunFolder, job: Job, program: Program) -> dict[str, Any]:
    begun = time.perf_counter()
    config = run_config(job.config, program.config)
    corpus = load_corpus(config["dataset"])
    done = program.do(job, config, corpus)
    scored = {name: _scores(name, told, corpus.classes) for name, told in done.told.items()}
    result = {
        "id": run_id(config),
        "study": config["study"],
        "overrides": job.overrides,
        "choices": {name: job.choices[name] for name in GROUPS if name in job.choices} | dict(program.choices),
        "seed": config["seed"],
        "metrics": {name: value for own, _ in scored.values() for name, value in own.items()},
        "classes": corpus.classes,
        "confusion": scored["test"][1],
        "parameters": dict.fromkeys(("total", "trainable", "ever_trainable"), done.learned) | {"solved": done.learned},
        "cost": {"seconds": time.perf_counter() - begun, "texts_encoded": 0, "texts_from_store": 0},
        "config": config,
    }
    _record(place, config, corpus, done.fingerprint)
    write_predictions(place.predictions, {"test": done.told["test"]})
    write_json(place.result, result)
    return result


def _scores(name: str, told: SplitPredictions, classes: list[str]) -> tuple[dict[str, float], list[list[int]]]:
    """As a run of frostline has them, and the confusion."""
    measured = ClassificationMetrics(classes)
    logits = told.probabilities.clamp(min=torch.finfo(torch.float32).tiny).log()
    measured.update(logits, told.labels, torch.ones(len(logits)))
    return {f"{name}/{key}": value for key, value in measured.compute().items()}, measured.confusion()


def _record(place: RunFolder, config: Config, corpus: Corpus, fingerprint: str | None) -> None:
    """All of a folder but its result."""
    place.path.mkdir(parents=True, exist_ok=True)
    data = corpus.described() | {"shifts": {}}
    here = {"device": "cpu", "ranks": 1, "threads": torch.get_num_threads()}
    encoder = {"fingerprint": fingerprint}
    write_json(place.environment, environment.describe_environment() | here | {"data": data, "encoder": encoder})
    write_text(place.config, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
