"""Several finished runs that become one model: what they must share, their texts, and the record of the result."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from safetensors.torch import save_file
from torch import Tensor

from frostline.data.build import load_corpus, load_shifts
from frostline.data.corpus import Origin, Split
from frostline.errors import Problem, UserError
from frostline.models.trained import TrainedModel
from frostline.results.atomic_files import read_json, write_json, write_text
from frostline.results.environment import COMMAND, capture
from frostline.results.folder import RunFolder
from frostline.results.metric_names import DEFAULT_MONITOR
from frostline.training.callbacks.predictions import PredictionContext, SplitPredictions, write_predictions

ARCHITECTURE = ("encoder", "adapter", "pooler", "head")
VALIDATION = "val"


class Texts(NamedTuple):
    """The splits on which the result is scored: val first, the in-domain test set last; and where they come from."""

    splits: dict[str, Split]
    origins: dict[str, Sequence[Origin] | None]


def check_members(members: Sequence[TrainedModel]) -> None:
    """Raise UserError unless the runs are two or more, with the same architecture, initial encoder and data."""
    problems = []
    if len(members) < 2:
        problems.append(Problem("RUN", f"{len(members)} run is given", "give two or more"))
    repeated = [m for n, m in enumerate(members) if any(m.result["id"] == e.result["id"] for e in members[:n])]
    problems += [Problem(str(m.folder.path), "is given twice", "give each run once") for m in repeated]
    for member in members[1:]:
        if different := _difference(members[0], member):
            what = f"has another {different} than {members[0].folder.path}"
            problems.append(Problem(str(member.folder.path), what, "give runs that share it"))
    if problems:
        raise UserError(problems, "command")


def _difference(first: TrainedModel, other: TrainedModel) -> str | None:
    """Return what two runs do not share, of what a common model needs."""
    for part in ARCHITECTURE:
        if first.config[part] != other.config[part]:
            return part
    environments = [read_json(each.folder.environment) for each in (first, other)]
    if len({each["encoder"]["fingerprint"] for each in environments}) > 1:
        return "initial encoder"
    if len({each["data"]["fingerprint"] for each in environments}) > 1 or first.classes != other.classes:
        return "data set"
    if len({json.dumps(each["data"]["shifts"], sort_keys=True) for each in environments}) > 1:
        return "list of shifted test sets"
    return "dataset.max_length" if first.max_length != other.max_length else None


def monitor_of(members: Sequence[TrainedModel]) -> str:
    """Return the validation metric by which the runs were selected."""
    return members[0].result["best"]["monitor"] or DEFAULT_MONITOR


def best_member(members: Sequence[TrainedModel]) -> TrainedModel:
    """Return the run with the best recorded validation score; the first of equals."""
    from frostline.results.metric_names import is_better

    metric, best = monitor_of(members), members[0]
    for member in members[1:]:
        if is_better(metric, member.result["metrics"][metric], best.result["metrics"][metric]):
            best = member
    return best


def load_texts(trained: TrainedModel) -> Texts:
    """Load the validation and test texts of a run.

    Raises:
        UserError: they have changed since.
    """
    dataset, recorded = trained.config["dataset"], read_json(trained.folder.environment)["data"]
    corpus = load_corpus(dataset)
    shifts = load_shifts(dataset, corpus)
    changed = corpus.fingerprint != recorded["fingerprint"]
    if changed or {name: shift.described() for name, shift in shifts.items()} != recorded["shifts"]:
        what = "the texts are not those of the record"
        raise UserError(Problem(f"{trained.folder.path}: dataset", what, "put the data set back as it was"))
    splits = {VALIDATION: corpus.val, **{name: shift.split for name, shift in shifts.items()}, "test": corpus.test}
    return Texts(splits, {name: split.origins for name, split in splits.items()})


class Combination(NamedTuple):
    """A model of several runs, ready to be written.

    kind: such as `soup_uniform`, which takes the place of `averaging` among the choices. record: the entry of
    result.json. weights: files in checkpoints/ and their tensors.
    """

    kind: str
    record: Mapping[str, Any]
    metrics: Mapping[str, float]
    predictions: Mapping[str, SplitPredictions]
    confusion: Mapping[str, Any]
    thresholds: Sequence[float] | None
    weights: Mapping[str, Mapping[str, Tensor]]


def write_combination(
    folder: Path, base: TrainedModel, members: Sequence[TrainedModel], made: Combination, texts: Texts
) -> None:
    """Write a folder with the files of a run. base: the run whose config, plan and environment it has."""
    target, source = RunFolder(folder), base.folder
    ids = [member.result["id"] for member in members]
    number = hashlib.sha256(json.dumps([made.kind, sorted(ids)]).encode()).hexdigest()[:12]
    target.checkpoints.mkdir(parents=True)
    environment = read_json(source.environment)
    now = capture().values
    environment |= {key: now[key] for key in ("packages", "git", "python", "platform")}
    environment["command"] = os.environ.get(COMMAND) or now["command"]
    for name, tensors in made.weights.items():
        metadata = {"encoder": environment["encoder"]["fingerprint"], "id": number}
        contiguous = {key: value.contiguous() for key, value in tensors.items()}
        save_file(contiguous, target.checkpoints / name, metadata=metadata)
    write_text(target.config, yaml.safe_dump(base.config, sort_keys=False, allow_unicode=True))
    write_text(target.plan, source.plan.read_text(encoding="utf-8"))
    write_json(target.environment, environment)
    context = PredictionContext(base.classes, texts.origins, made.thresholds)
    write_predictions(target.predictions, made.predictions, context)
    choices = base.result["choices"] | {"averaging": made.kind}
    result = {key: value for key, value in base.result.items() if key not in ("wise_ft", "language_model")}
    result |= {"id": number, "choices": choices, "metrics": dict(made.metrics), **made.confusion}
    result |= {"cost": _cost(members), made.kind.partition("_")[0]: dict(made.record)}
    if made.thresholds is not None:
        result["thresholds"] = dict(zip(base.classes, made.thresholds, strict=True))
    write_json(target.job, {"id": number, "choices": choices, "overrides": base.result["overrides"]})
    write_json(target.result, result)


def member_record(members: Sequence[TrainedModel], metric: str, best: TrainedModel, is_better: bool) -> dict[str, Any]:
    """Return what result.json says of the runs that were combined. is_better: than the best of them on validation."""
    names = [member.folder.path.resolve().name for member in members]
    return {
        "members": names,
        "ids": [member.result["id"] for member in members],
        "validation": {name: each.result["metrics"][metric] for name, each in zip(names, members, strict=True)},
        "best_single": best.folder.path.resolve().name,
        "is_better": is_better,
    }


def _cost(members: Sequence[TrainedModel]) -> dict[str, Any]:
    """Return the sums of what the runs cost, and their largest peak of memory."""
    costs = [member.result["cost"] for member in members]
    names = [name for name, value in costs[0].items() if isinstance(value, int | float)]
    return {name: (max if name.startswith("peak") else sum)(cost.get(name, 0) for cost in costs) for name in names}


def verdict(metric: str, score: float, best: TrainedModel, is_better: bool) -> str:
    """Return a sentence on the validation score beside that of the best single run."""
    single = best.result["metrics"][metric]
    word = "better than" if is_better else "no better than"
    return f"{metric} {score:.4f}: {word} the best single run, {best.folder.path.name} ({single:.4f})"
