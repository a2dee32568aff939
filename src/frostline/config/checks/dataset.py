"""The data set of a config, made to be asked what it lacks and fetches before a text is read."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from frostline.config.checks.signature import Argument, read
from frostline.errors import Problem, UserError

PREPARE = "frostline.data.prepare.prepare"
TEXTS = "frostline.data.build.TextSettings"


def extras() -> dict[str, Argument]:
    """Keys of `dataset` that are not the data set's own: how its texts are split and read."""
    prepare = dict(list(read(PREPARE, "dataset").parameters.items())[1:])
    return prepare | read(TEXTS, "dataset").parameters


def source(given: Mapping[str, Any]) -> Any:
    """The data set itself, from what `dataset` says."""
    own = read(given["_target_"], "dataset").parameters
    ours = {"_target_", *(name for name in extras() if name not in own)}
    module, _, name = given["_target_"].rpartition(".")
    return getattr(importlib.import_module(module), name)(**{k: v for k, v in given.items() if k not in ours})


def problems(given: Mapping[str, Any]) -> list[Problem]:
    """What it says of itself, such as a file that is not there."""
    try:
        made = source(given)
        return list(made.problems()) if hasattr(made, "problems") else []
    except UserError as error:
        return error.problems
    except Exception as error:
        what = f"{given['_target_']} fails with {type(error).__name__}: {error}"
        return [Problem("dataset", what, "correct its arguments or its code (--debug shows where)")]
