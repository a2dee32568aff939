"""Runs of a study by another program, recorded in folders with the same files as the runs of `frostline`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from frostline.config.inputs import raise_if_changed
from frostline.config.job_list import read_jobs
from frostline.config.jobs import Job, compose_jobs
from frostline.console import log
from frostline.data.build import load_corpus
from frostline.data.corpus import Corpus
from frostline.errors import UserError
from frostline.results.atomic_files import write_json, write_text
from frostline.results.environment import describe_environment
from frostline.results.folder import RunFolder
from frostline.results.identity import INPUTS, run_id
from frostline.training.callbacks.predictions import (
    PredictionContext,
    SplitPredictions,
    confusion_record,
    write_predictions,
)
from frostline.training.metrics import ClassificationMetrics
from frostline.types import Config

KEYS = ("seed", "study", "dataset")  # keys of the composed config that every external run has
GROUPS = ("dataset", "experiment")


@dataclass(frozen=True)
class ExternalResult:
    """predictions: of `val` and `test`. trainable: number of parameters. fingerprint: of the pre-trained weights."""

    predictions: Mapping[str, SplitPredictions]
    trainable: int
    fingerprint: str | None = None


@dataclass(frozen=True)
class ExternalProgram:
    """A program that trains and predicts.

    choices: recorded in place of the choices of groups such as encoder and head. config: takes the composed config and
    returns what the id of a run depends on beside seed, study and data set. execute: trains one run.
    """

    choices: Mapping[str, str]
    config: Callable[[Config], Config]
    execute: Callable[[Job, Config, Corpus], ExternalResult]


def main(file: str, program: ExternalProgram) -> None:
    """Execute the runs of a list that `frostline reproduce` has written, except complete ones.

    Raises:
        UserError: with all problems of the list.
    """
    lines = read_jobs(file)
    jobs, problems = compose_jobs([overrides for _, *overrides in lines])
    if problems:
        raise UserError(problems)
    for (path, *_), job in zip(lines, jobs, strict=True):
        folder = RunFolder(Path(path))
        result = folder.read_result() or _execute(folder, job, program)
        log(f"{folder.path.name}: val/f1_macro {result['metrics']['val/f1_macro']:.4f}")


def run_config(composed: Config, config: Callable[[Config], Config]) -> Config:
    """Return the config of an external run: seed, study and data set of the composed config, and `config` of it."""
    selected = {key: composed[key] for key in KEYS}
    if read := {key: value for key, value in composed.get(INPUTS, {}).items() if key.startswith("dataset.")}:
        selected[INPUTS] = read
    return selected | config(composed)


def _execute(folder: RunFolder, job: Job, program: ExternalProgram) -> dict[str, Any]:
    start = time.perf_counter()
    config = run_config(job.config, program.config)
    corpus = load_corpus(config["dataset"])
    raise_if_changed(config)
    external = program.execute(job, config, corpus)
    scores = {name: _scores(name, split, corpus.classes) for name, split in external.predictions.items()}
    trainable = external.trainable
    result = {
        "id": run_id(config),
        "study": config["study"],
        "overrides": job.overrides,
        "choices": {name: job.choices[name] for name in GROUPS if name in job.choices} | dict(program.choices),
        "seed": config["seed"],
        "metrics": {name: value for metrics, _ in scores.values() for name, value in metrics.items()},
        "classes": corpus.classes,
        **confusion_record(scores["test"][1], external.predictions["test"]),
        "parameters": dict.fromkeys(("total", "trainable", "ever_trainable"), trainable) | {"solved": trainable},
        "cost": {"seconds": time.perf_counter() - start, "texts_encoded": 0, "texts_from_store": 0},
        "config": config,
    }
    _write_record(folder, config, corpus, external.fingerprint)
    context = PredictionContext(corpus.classes, {"test": corpus.test.origins})
    write_predictions(folder.predictions, {"test": external.predictions["test"]}, context)
    write_json(folder.result, result)
    return result


def _scores(name: str, split: SplitPredictions, classes: list[str]) -> tuple[dict[str, float], list[list[int]] | None]:
    """Return the metrics of a split by the names that a run of `frostline` uses, and the confusion matrix (C, C)."""
    metrics = ClassificationMetrics(classes)
    logits = split.probabilities.clamp(min=torch.finfo(torch.float32).tiny).log()
    metrics.update(logits, split.labels, torch.ones(len(logits)))
    return {f"{name}/{key}": value for key, value in metrics.compute().items()}, metrics.confusion()


def _write_record(folder: RunFolder, config: Config, corpus: Corpus, fingerprint: str | None) -> None:
    """Write environment.json and config.yaml."""
    folder.path.mkdir(parents=True, exist_ok=True)
    environment = describe_environment() | {"device": "cpu", "ranks": 1, "threads": torch.get_num_threads()}
    data, encoder = corpus.described() | {"shifts": {}}, {"fingerprint": fingerprint}
    write_json(folder.environment, environment | {"data": data, "encoder": encoder})
    write_text(folder.config, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
