"""The mean of the weights of several runs, a model soup (arXiv:2203.05482)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file
from torch import Tensor

from frostline.console import log
from frostline.errors import Problem, UserError
from frostline.export.evaluate import SplitScores, score_splits
from frostline.export.folder import atomic_folder
from frostline.export.load import load_model
from frostline.export.members import (
    VALIDATION,
    Combination,
    Texts,
    best_member,
    check_members,
    load_texts,
    member_record,
    monitor_of,
    verdict,
    write_combination,
)
from frostline.models.interfaces import FittedHead, InContext
from frostline.models.trained import TrainedModel, restore
from frostline.results.metric_names import is_better

Weights = Mapping[str, Tensor]
Kind = Literal["best", "uniform", "greedy"]


def make_soup(runs: Sequence[Path], target: Path, kind: Kind = "best") -> str:
    """Write the soup of several runs as a folder with the files of a run; return what it is.

    The uniform soup is the mean of all runs. The greedy one begins with the run that is best on the validation set, and
    takes each next run in if the mean is then no worse there. kind: `best` writes that with the better validation
    score, the greedy one if they are equal.

    Raises:
        UserError: the runs share no architecture, initial encoder or data, their heads are fitted, or the folder
            exists.
    """
    members = [load_model(run) for run in runs]
    check_members(members)
    _check_heads(members)
    mixer = _Mixer(members)
    made = {name: mixer.mix(name) for name in (("uniform", "greedy") if kind == "best" else (kind,))}
    metric = mixer.metric
    chosen = max(made, key=lambda name: (_order(metric, made[name].metrics[metric]), name == "greedy"))
    description = verdict(metric, made[chosen].metrics[metric], mixer.best, bool(made[chosen].record["is_better"]))
    with atomic_folder(target) as folder:
        write_combination(folder, mixer.best, members, made[chosen], mixer.texts)
    count = len(made[chosen].record["used"])
    return f"the mean of the weights of {count} of {len(members)} runs ({chosen}); {description}"


def _order(metric: str, value: float) -> float:
    return value if is_better(metric, 1.0, 0.0) else -value


def _check_heads(members: Sequence[TrainedModel]) -> None:
    """Raise UserError for heads whose weights have no meaningful mean."""
    head = members[0].model.head
    if isinstance(head, FittedHead | InContext):
        kind = "is fitted in closed form" if isinstance(head, FittedHead) else "has demonstrations in its prompts"
        what = f"the head {kind}, and has no weights of which the mean is a model"
        raise UserError(Problem(str(members[0].folder.path), what, "give --ensemble for these runs"), "command")


class _Mixer:
    """Means of the weights of runs, each scored on the validation set and on all test sets."""

    def __init__(self, members: Sequence[TrainedModel]) -> None:
        self.members, self.metric = members, monitor_of(members)
        self.weights = [load_file(member.folder.best) for member in members]
        if any(weights.keys() != self.weights[0].keys() for weights in self.weights):
            what = "the runs have trained other parameters, so that their weights have no mean"
            raise UserError(Problem("RUN", what, "give runs with the same freezing strategy"), "command")
        self.best = best_member(members)
        self.texts: Texts = load_texts(self.best)

    def mix(self, kind: str) -> Combination:
        """Return the `uniform` or the `greedy` soup with its scores."""
        used = list(range(len(self.members))) if kind == "uniform" else self._greedy()
        weights = mean_weights([self.weights[index] for index in used])
        scores = self._scores(weights, self.texts.splits)
        metrics = {name: value for each in scores.values() for name, value in each.metrics.items()}
        single = self.best.result["metrics"]
        better = is_better(self.metric, metrics[self.metric], single[self.metric])
        log(f"soup: {kind}, {len(used)} runs: {verdict(self.metric, metrics[self.metric], self.best, better)}")
        names = [member.folder.path.resolve().name for member in self.members]
        record = {"kind": kind, "used": [names[index] for index in used]}
        record |= member_record(self.members, self.metric, self.best, better)
        predictions = {name: each.predictions for name, each in scores.items() if name != VALIDATION}
        test = scores["test"]
        return Combination(
            f"soup_{kind}", record, metrics, predictions, test.confusion, test.thresholds, {"best.safetensors": weights}
        )

    def _greedy(self) -> list[int]:
        """Return the runs of the greedy soup, in the order in which they were added."""
        scores = [member.result["metrics"][self.metric] for member in self.members]
        order = sorted(range(len(scores)), key=lambda index: -_order(self.metric, scores[index]))
        used, best = order[:1], scores[order[0]]
        for index in order[1:]:
            weights = mean_weights([self.weights[each] for each in (*used, index)])
            score = self._scores(weights, {VALIDATION: self.texts.splits[VALIDATION]})[VALIDATION].metrics[self.metric]
            if not is_better(self.metric, best, score):
                used, best = [*used, index], score
        return used

    def _scores(self, weights: Weights, splits: Mapping[str, Any]) -> dict[str, SplitScores]:
        restore(self.best.model, self.best.blocks, dict(weights), self.best.folder)
        return score_splits(self.best, splits)


def mean_weights(several: Sequence[Weights]) -> dict[str, Tensor]:
    """Return the mean of each tensor over several checkpoints, computed in float64, in the type of the first.

    Integers are taken from the first checkpoint.
    """
    means = {}
    for name, first in several[0].items():
        if first.is_floating_point():
            total = torch.stack([weights[name].double() for weights in several]).mean(dim=0)
            means[name] = total.to(first.dtype)
        else:
            means[name] = first
    return means
