"""Whether a metric that a run monitors is one that its validation measures."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from frostline.config.checks.source import capabilities
from frostline.errors import Problem, did_you_mean
from frostline.models.interfaces import Capability
from frostline.results.metric_names import CLASS_F1, MAX_CLASSES, MULTI_LABEL_SCORES, SCORES, metric_direction
from frostline.types import Config

VALIDATION = "val/"


def monitor_problems(monitors: Mapping[str, str], multi_label: bool | None = None) -> Iterator[Problem]:
    """Yield a problem for each metric that no validation measures.

    Args:
        monitors: config key -> metric, as `monitored_metrics` returns them.
        multi_label: whether texts have several classes; None where only the data show it.
    """
    for key, metric in monitors.items():
        if problem := _metric_problem(key, metric, multi_label):
            yield problem


def class_problems(monitors: Mapping[str, str], classes: Sequence[str]) -> Iterator[Problem]:
    """Yield a problem for each monitored metric that is the F1 of a class which the data do not have."""
    prefix = f"{VALIDATION}{CLASS_F1}"
    for key, metric in monitors.items():
        name = metric.removeprefix(prefix)
        if metric.startswith(prefix) and len(classes) > MAX_CLASSES:
            what = f"{metric!r} is measured for at most {MAX_CLASSES} classes, and the data has {len(classes):,}"
            yield Problem(key, what, f"give {VALIDATION}f1_macro")
        elif metric.startswith(prefix) and name not in classes:
            do = did_you_mean(metric, [f"{prefix}{known}" for known in classes])
            yield Problem(key, f"the data has no class {name!r}", do)


def monitored_metrics(config: Config) -> dict[str, str]:
    """Return key -> metric of all keys of a config that name a metric of the validation set.

    They are `trainer.monitor`, and `freezing.monitor` where a strategy has one.
    """
    groups = {role: config.get(role) for role in ("trainer", "freezing")}
    values = {f"{role}.monitor": group.get("monitor") for role, group in groups.items() if isinstance(group, Mapping)}
    return {key: value for key, value in values.items() if isinstance(value, str)}


def is_multi_label(dataset: Any) -> bool | None:
    """Return whether the texts of a data set's config have several classes; None where only the data show it."""
    target = dataset.get("_target_") if isinstance(dataset, Mapping) else None
    value = capabilities(target).get(Capability.MULTI_LABEL) if isinstance(target, str) else None
    return value if isinstance(value, bool) else None


def _metric_problem(key: str, metric: str, multi_label: bool | None) -> Problem | None:
    name = metric.removeprefix(VALIDATION)
    if metric.startswith(VALIDATION) and multi_label is False and name in MULTI_LABEL_SCORES:
        what = f"texts of one class each have no {metric!r}, which would be their accuracy"
        return Problem(key, what, "give val/accuracy")
    if metric.startswith(VALIDATION) and metric_direction(metric) is not None:
        return None
    known = [score for score in SCORES if multi_label or score not in MULTI_LABEL_SCORES]
    near = difflib.get_close_matches(metric.rpartition("/")[2], known, n=1, cutoff=0.6)
    choices = ", ".join(f"{VALIDATION}{score}" for score in known)
    do = f"did you mean {VALIDATION}{near[0]}?" if near else f"give one of: {choices}, {VALIDATION}{CLASS_F1}<class>"
    return Problem(key, f"{metric!r} is not a metric of the validation set", do)
