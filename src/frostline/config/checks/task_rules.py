"""Settings that are not possible in a run with several tasks, reported before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frostline.config.checks.monitors import is_multi_label
from frostline.errors import Problem
from frostline.models.interfaces import Capability
from frostline.types import Config

CROSS_ENTROPY = "frostline.training.losses.cross_entropy.CrossEntropy"
NO_HEAD_FOR_TASKS = {
    Capability.FIT: "is fitted to the texts of one task",
    Capability.FORWARD_PROMPT: "prompts the language model with the words of one task",
    Capability.INIT_FROM_CLASS_NAMES: "is initialised from the class names of one task",
}


def task_problems(config: Config, parts: dict[str, dict[str, Any]], is_from_run: bool) -> Iterator[Problem]:
    """Yield the problems of a run with several tasks, none for another run.

    Args:
        parts: role -> what `capabilities` returns of its part.
        is_from_run: whether the head is taken from a run.
    """
    dataset, loss = config["dataset"], config["loss"]
    if dataset.get("tasks") is None:
        return
    several = [name for name, part in (dataset.get("settings") or {}).items() if is_multi_label(part)]
    for name in several:
        what = f"'{name}' has texts of several classes each, and the classes of a task exclude each other"
        yield Problem("dataset.tasks", what, "leave it out")
    if dataset.get("shifts"):
        yield Problem("dataset.shifts", "are test sets of one task, and this run has several", "leave them out")
    do = "choose a head that is trained on vectors, such as head=linear or head=mlp"
    if is_from_run:
        yield Problem("head", "of a run is for one task, and this run has several", do)
    for capability in NO_HEAD_FOR_TASKS.keys() & parts["head"].keys():
        yield Problem("head", f"{NO_HEAD_FOR_TASKS[capability]}, and this run has several", do)
    if loss["_target_"] != CROSS_ENTROPY:
        yield Problem("loss", "is not known to be correct with several tasks", "choose loss=cross_entropy")
    elif loss.get("label_smoothing") or loss.get("class_weights") is not None:
        what = "would mix the classes of several tasks"
        yield Problem("loss", f"label_smoothing or class_weights {what}", "leave both out")
    if Capability.USES_TWO_PASSES in parts["regularizer"]:
        yield Problem("regularizer", "compares predictions of all classes", "choose another, as this run has tasks")
    if config["trainer"].get("strategy") == "fsdp2":
        yield Problem("trainer.strategy", "fsdp2 is not known to be correct with several tasks", "choose trainer=ddp")
