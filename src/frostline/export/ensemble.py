"""The mean of the probabilities of several runs, a deep ensemble (arXiv:1612.01474)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from frostline.console import log
from frostline.data.corpus import Split, Text
from frostline.export.evaluate import score_splits
from frostline.export.folder import atomic_folder
from frostline.export.load import load_model
from frostline.export.members import (
    VALIDATION,
    Combination,
    best_member,
    check_members,
    load_texts,
    member_record,
    monitor_of,
    verdict,
    write_combination,
)
from frostline.export.predictor import Predictor, TextPredictions
from frostline.export.predictor_group import PredictorGroup
from frostline.models.trained import TrainedModel
from frostline.results.folder import RunFolder
from frostline.results.metric_names import is_better
from frostline.training.callbacks.predictions import SplitPredictions, confusion_record
from frostline.training.metrics import ClassificationMetrics
from frostline.training.multi_label_metrics import MultiLabelMetrics

MEMBERS = "member-*.safetensors"
AS_TEST = "test_val"  # the test loop, which collects predictions, reads the validation texts under this name


@dataclass(frozen=True)
class MemberFolder(RunFolder):
    """The folder of an ensemble, with the weights of one of its runs. number: counted from 1."""

    number: int = 1

    @property
    def best(self) -> Path:
        return self.checkpoints / f"member-{self.number}.safetensors"


def make_ensemble(runs: Sequence[Path], target: Path) -> str:
    """Write the ensemble of several runs as a folder of a run with the weights of each; return what it is.

    Its probabilities are the means of those of the runs; for multi-label data the thresholds are chosen on the
    validation texts.

    Raises:
        UserError: the runs share no architecture, initial encoder or data, or the folder exists.
    """
    members = [load_model(run) for run in runs]
    check_members(members)
    best, metric = best_member(members), monitor_of(members)
    texts = load_texts(best)
    splits = {AS_TEST if name == VALIDATION else name: split for name, split in texts.splits.items()}
    probabilities = mean_probabilities(members, splits)
    scores = _Scores(best)
    metrics: dict[str, float] = {}
    for name, values in probabilities.items():  # val first, on which thresholds are chosen
        metrics |= scores.of_split(VALIDATION if name == AS_TEST else name, values)
    better = is_better(metric, metrics[metric], best.result["metrics"][metric])
    predictions = {name: values for name, values in probabilities.items() if name != AS_TEST}
    record = member_record(members, metric, best, better)
    weights = {f"member-{n}.safetensors": load_file(each.folder.best) for n, each in enumerate(members, start=1)}
    confusion = {"confusion": scores.confusion} if best.multi_label else {}
    confusion = confusion or confusion_record(scores.confusion, predictions["test"])
    made = Combination("ensemble", record, metrics, predictions, confusion, scores.thresholds, weights)
    description = verdict(metric, metrics[metric], best, better)
    log(f"ensemble of {len(members)} runs: {description}")
    with atomic_folder(target) as folder:
        write_combination(folder, best, members, made, texts)
    return f"the mean of the probabilities of {len(members)} runs; {description}"


def mean_probabilities(members: Sequence[TrainedModel], splits: Mapping[str, Split]) -> dict[str, SplitPredictions]:
    """Return the predictions for each split, with the mean probabilities of the members, computed in float64."""
    predicted = [{name: each.predictions for name, each in score_splits(m, splits).items()} for m in members]
    means = {}
    for name in splits:
        first = predicted[0][name]
        total = torch.stack([each[name].probabilities.double() for each in predicted]).mean(dim=0)
        means[name] = SplitPredictions(first.index, first.labels, total.float())
    return means


class _Scores:
    """The metrics of mean probabilities, by the classes with which runs are scored.

    Attributes:
        confusion: that of the split that was scored last.
        thresholds: for multi-label data, those chosen on val.
    """

    def __init__(self, trained: TrainedModel) -> None:
        kind = MultiLabelMetrics if trained.multi_label else ClassificationMetrics
        self.metrics: MultiLabelMetrics | ClassificationMetrics = kind(trained.classes)
        self.confusion: list[list[int]] | None = None
        self.thresholds: list[float] | None = None

    def of_split(self, name: str, predicted: SplitPredictions) -> dict[str, float]:
        self.metrics.update(self._logits(predicted.probabilities), predicted.labels, torch.ones(len(predicted.labels)))
        if name == VALIDATION and isinstance(self.metrics, MultiLabelMetrics):
            self.metrics.choose_thresholds()
            self.thresholds = list(self.metrics.thresholds)
        self.confusion = self.metrics.confusion()
        values = {f"{name}/{metric}": value for metric, value in self.metrics.compute().items()}
        self.metrics.reset()
        return values

    def _logits(self, probabilities: Tensor) -> Tensor:
        """Return logits that have these probabilities."""
        if isinstance(self.metrics, MultiLabelMetrics):
            return torch.logit(probabilities.double(), eps=1e-12)
        return probabilities.double().clamp(min=1e-30).log()


def is_ensemble(folder: Path) -> bool:
    """Return whether a folder contains the weights of several runs."""
    return any(RunFolder(folder).checkpoints.glob(MEMBERS))


class EnsemblePredictor:
    """Predicts the mean of the class probabilities of several runs, with one pass of what they share."""

    def __init__(self, folder: Path) -> None:
        count = len(list(RunFolder(folder).checkpoints.glob(MEMBERS)))
        members = [Predictor(load_model(MemberFolder(folder, number))) for number in range(1, count + 1)]
        self.group, self.first = PredictorGroup(members), members[0]
        self.window = self.group.window

    @property
    def classes(self) -> Sequence[str]:
        """Return the names of the classes, in the order of the probabilities."""
        return self.first.classes

    @property
    def thresholds(self) -> Sequence[float] | None:
        """Return the probability from which on each class is predicted, for multi-label data."""
        return self.first.thresholds

    def predict_window(self, texts: Sequence[Text], vectors: bool = False) -> TextPredictions:
        """Return the predictions for texts, without vectors."""
        predicted = self.group.predict_window(texts)
        total: Any = np.mean([each.probabilities.astype(np.float64) for each in predicted], axis=0)
        return TextPredictions(total.astype(np.float32), None, max(each.truncated for each in predicted))
