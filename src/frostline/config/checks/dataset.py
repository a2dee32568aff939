"""Checks of the data set and of the shifted test sets, by the class of the data set, before a text is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from frostline.config.checks.signature import Argument, read_signature
from frostline.errors import Problem, UserError
from frostline.instantiate import locate

PREPARE = "frostline.data.prepare.prepare"
TEXTS = "frostline.data.build.TextSettings"


def text_arguments() -> dict[str, Argument]:
    """Return the keys of `dataset` that set how the texts of any data set are split and tokenized."""
    prepare = dict(list(read_signature(PREPARE, "dataset").parameters.items())[1:])
    return prepare | read_signature(TEXTS, "dataset").parameters


def make_dataset(config: Mapping[str, Any]) -> Any:
    """Return the data set itself, before it reads a text."""
    accepted = read_signature(config["_target_"], "dataset").parameters
    excluded = {"_target_", *(name for name in text_arguments() if name not in accepted)}
    return locate(config["_target_"])(**{k: v for k, v in config.items() if k not in excluded})


def dataset_problems(config: Mapping[str, Any]) -> list[Problem]:
    """Return what the data set reports about itself, such as a file that does not exist."""
    try:
        dataset = make_dataset(config)
        return list(dataset.problems()) if hasattr(dataset, "problems") else []
    except UserError as error:
        return error.problems
    except Exception as error:
        what = f"{config['_target_']} fails with {type(error).__name__}: {error}"
        return [Problem("dataset", what, "correct its arguments or its code (--debug shows where)")]


def named_problems(
    dataset: Mapping[str, Any], check_dataset: Callable[[Mapping[str, Any]], list[Problem]]
) -> list[Problem]:
    """Return the problems of each shifted test set and of each task, as `check_dataset` finds them in its config.

    A data set that needs further values, such as `table`, can be one of them only through a further yaml that gives
    them.
    """
    problems: list[Problem] = []
    for names, configs in (("shifts", "shifted"), ("tasks", "settings")):
        problems += _problems_of_names(
            f"dataset.{names}", dataset.get(names) or [], dataset.get(configs) or {}, check_dataset
        )
    return problems


def _problems_of_names(
    key: str,
    names: Sequence[str],
    configs: Mapping[str, Mapping[str, Any]],
    check_dataset: Callable[[Mapping[str, Any]], list[Problem]],
) -> list[Problem]:
    repeated = [name for i, name in enumerate(names) if name in names[:i]]
    problems = [Problem(key, f"'{name}' occurs twice", "name it once") for name in repeated]
    for name, config in configs.items():
        for problem in check_dataset(config):
            argument = problem.key.removeprefix("dataset").lstrip(".")
            separator = " " if problem.what.startswith("is ") else ": "
            do = "give it in a new yaml in conf/dataset, and name that" if "missing" in problem.what else problem.do
            problems.append(Problem(key, f"{name}: {argument}{separator}{problem.what}", do))
    return problems
