"""Scores of a trained model on a further test set, computed as the run computes those of its test sets."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from frostline.data.corpus import Corpus, Split
from frostline.data.token_counts import token_record
from frostline.data.tokens import tokenize_split
from frostline.errors import user_error
from frostline.export.evaluation_data import EvaluationData
from frostline.freezing.build import with_min_steps
from frostline.freezing.plan import Plan, counted
from frostline.models.trained import TrainedModel
from frostline.results.atomic_files import read_json, write_json
from frostline.results.environment import capture
from frostline.results.folder import EVALUATION
from frostline.training.build import Built, plan_and_controller
from frostline.training.callbacks.predictions import (
    PredictionContext,
    Predictions,
    SplitPredictions,
    confusion_record,
    write_predictions,
)
from frostline.training.classifier import Classifier
from frostline.training.data_module import DataModule
from frostline.training.fit import check_finite, evaluate_split
from frostline.training.multi_label_metrics import MultiLabelMetrics
from frostline.training.phases import PhaseEngine
from frostline.training.settings import TrainerSettings
from frostline.training.trainer import make_trainer

LOCAL_CACHE = {"dir": None, "max_bytes": None}


@dataclass(frozen=True)
class SplitScores:
    """The scores of a model on one split. tokens: what tokenization did to its texts.

    thresholds: for multi-label data those with which it was scored. predictions: none for `val`.
    """

    metrics: dict[str, float]
    predictions: SplitPredictions
    confusion: dict[str, Any]
    tokens: dict[str, Any]
    device: str
    precision: str
    thresholds: list[float] | None


def score_splits(trained: TrainedModel, splits: Mapping[str, Split]) -> dict[str, SplitScores]:
    """Return the scores on each split: `test`, `test_<name>`, or `val`, which chooses the thresholds of what follows.

    Batches, cached states and metrics are those of the run, so that its test set has the scores of its record.

    Raises:
        FrostlineError: a metric is nan or infinite.
    """
    built = _built(trained, splits)
    predictions = Predictions()
    trainer = make_trainer(built.settings, built.plan, 1, loggers=False, callbacks=[predictions])
    data, scores = DataModule(built, built.config), {}
    for name in splits:
        metrics = evaluate_split(trainer, built, data, name)
        check_finite(metrics)
        # the validation loop has no predictions
        found = predictions.of_split.get(name, SplitPredictions(*[torch.empty(0)] * 3))
        tokens = {key: value for key, value in built.token_counts.items() if key == name}
        multi = trained.multi_label or name not in predictions.of_split
        confusion = {"confusion": built.classifier.confusion}
        confusion = confusion if multi else confusion_record(built.classifier.confusion, found)
        used = str(trainer.strategy.root_device), str(trainer.precision)
        limits = list(kind.thresholds) if isinstance(kind := built.classifier.metrics, MultiLabelMetrics) else None
        scores[name] = SplitScores(metrics, found, confusion, token_record(tokens), *used, limits)
    return scores


def _built(trained: TrainedModel, splits: Mapping[str, Split]) -> Built:
    """Return what the Trainer needs to score the model, in the phase to which its weights belong."""
    environment = read_json(trained.folder.environment)
    torch.set_num_threads(environment["threads"])
    config = with_min_steps(trained.config, environment["data"]["texts"]["train"])
    config = {**config, "cache": {**config["cache"], **LOCAL_CACHE}}
    plan, _ = plan_and_controller(config, trained.blocks)
    engine, model = PhaseEngine(plan, trained.blocks), trained.model
    classifier = Classifier(
        model,
        engine,
        nn.Identity(),
        optimizer=_no_optimizer,
        schedule=float,
        base_lr=0.0,
        weight_decay=0.0,
        classes=trained.classes,
        seed=config["seed"],
        multi_label=trained.multi_label,
    )
    engine.enter(best_phase(trained.result, plan))
    if isinstance(classifier.metrics, MultiLabelMetrics) and trained.thresholds is not None:
        classifier.metrics.thresholds = list(trained.thresholds)
    encoder: Any = model.encoder
    length = config["dataset"]["max_length"]
    tokens = {name: tokenize_split(each, model.tokenize, length, encoder.pad_id, name) for name, each in splits.items()}
    empty = Split([], [])
    corpus = Corpus(empty, empty, empty, list(trained.classes), "", multi_label=trained.multi_label)
    settings, fingerprint = TrainerSettings(**config["trainer"]), environment["encoder"]["fingerprint"]
    return Built(config, classifier, corpus, {}, tokens, settings, fingerprint, None)


def _no_optimizer(groups: list[dict[str, Any]]) -> Any:
    raise AssertionError("a trained model is not trained")


def best_phase(result: Mapping[str, Any], plan: Plan) -> int:
    """Return the index of the phase of the best epoch; 0 for a run without epochs."""
    epoch = result["best"]["epoch"]
    names = [phase.name for phase in plan.phases]
    for phase in result["phases"]:
        if epoch is not None and phase["epochs"][0] <= epoch <= phase["epochs"][1] and phase["name"] in names:
            return names.index(phase["name"])
    return 0 if epoch is None else plan.index_at(epoch - counted(0))


def write_evaluation(
    trained: TrainedModel, name: str, data: EvaluationData, dataset: Mapping[str, Any], scores: SplitScores
) -> Path:
    """Write the scores on a further test set beside the run; return the folder.

    dataset: what was evaluated, for the record.

    Raises:
        UserError: there is an evaluation of that name, of other texts.
        OSError: it cannot be written; nothing stays.
    """
    folder = trained.folder.evaluations / name
    temporary = folder.with_name(f".{name}.{os.getpid()}")
    temporary.mkdir(parents=True)
    try:
        context = PredictionContext(trained.classes, {name: data.split.origins}, trained.thresholds)
        write_predictions(temporary / trained.folder.predictions.name, {name: scores.predictions}, context)
        write_json(temporary / EVALUATION, _record(trained, name, data, dataset, scores))
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def stored_evaluation(trained: TrainedModel, name: str, data: EvaluationData) -> Mapping[str, Any] | None:
    """Return the record of an earlier evaluation of the same texts; None if there is none.

    Raises:
        UserError: the name belongs to a test set of the run, or to an evaluation of other texts.
    """
    if name in _test_sets(trained):
        what = f"the run has a test set {name}, whose scores are in its result.json"
        raise user_error("--name", what, "give --name another")
    record = trained.folder.read_evaluations().get(name)
    if record is not None and record["data"]["fingerprint"] != data.fingerprint:
        what = f"the run was evaluated on other texts as {name}"
        raise user_error("--name", what, f"give --name another, or remove {trained.folder.evaluations / name}")
    return record


def _test_sets(trained: TrainedModel) -> Sequence[str]:
    return [metric.partition("/")[0] for metric in trained.result["metrics"]]


def _record(
    trained: TrainedModel, name: str, data: EvaluationData, dataset: Mapping[str, Any], scores: SplitScores
) -> dict[str, Any]:
    limits = {} if trained.thresholds is None else dict(zip(trained.classes, trained.thresholds, strict=True))
    return {
        "id": trained.result["id"],
        "name": name,
        "metrics": scores.metrics,
        "data": data.as_record(),
        "dataset": dict(dataset),
        "tokens": scores.tokens,
        "classes": list(trained.classes),
        **scores.confusion,
        **({"thresholds": limits} if limits else {}),
        "environment": capture().values
        | {"device": scores.device, "precision": scores.precision, "threads": torch.get_num_threads()},
    }
