"""All mistakes of a resolved config, found before anything is loaded: signatures are read from the source of parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frostline.config.checks import suggest
from frostline.config.checks.compatibility import compatibility_problems
from frostline.config.checks.dataset import dataset_problems, named_problems, text_arguments
from frostline.config.checks.encoder import encoder_problems
from frostline.config.checks.monitors import is_multi_label, monitor_problems, monitored_metrics
from frostline.config.checks.reused_parts import reuse_problems
from frostline.config.checks.signature import Argument, Signature, read_signature
from frostline.config.checks.source import find_module
from frostline.config.checks.values import type_mismatch
from frostline.config.local_paths import home_problems
from frostline.config.other_names import other_name
from frostline.config.renamed import renamed
from frostline.data.folds import fold_problems
from frostline.errors import Problem, UserError
from frostline.models.source_runs import ROLES, original_part
from frostline.types import Config, NonNegativeInt

MISSING = "???"
SETTINGS = {  # keys of a role that are arguments of none of its parts
    "freezing": "frostline.freezing.build.FreezingSettings",
    "adapter": "frostline.models.build.AdapterSettings",
}
TOP_LEVEL = f"{__name__}.TopLevelSettings"
TRAINER = "frostline.training.settings.TrainerSettings"
LOGGER = "frostline.training.loggers.build.choose"
SUPPLIED: dict[str, dict[str, str]] = {  # arguments that are set from elsewhere, so that a config must not have them
    "encoder": {"weights": "the command"},
    "adapter": {},
    "pooler": {"width": "the encoder", "layers": "the encoder"},
    "head": {"width": "the encoder", "encoder": "the encoder"}
    | dict.fromkeys(("classes", "names", "texts", "multi_label"), "the data"),
    "freezing": {"blocks": "the encoder"},
    "dataset": {},
    "loss": {"counts": "the data", "multi_label": "the data"},
    "regularizer": {"multi_label": "the data"},
    "averaging": {},
    "optimizer": {"groups": "the plan"},
    "scheduler": {},
}
# groups that choose no part: their keys are arguments of one function or settings class
FIXED: dict[str, tuple[str, dict[str, str]]] = {
    "trainer": (TRAINER, {}),
    "logger": (LOGGER, dict.fromkeys(("folder", "group", "name", "config"), "the run")),
    "cache": ("frostline.cache.shared_store.CacheSettings", {}),
    "paths": (f"{__name__}.PathSettings", {}),
}


@dataclass(frozen=True)
class TopLevelSettings:
    """Keys of a config that belong to no group."""

    seed: NonNegativeInt = 1
    study: str = "default"
    rerun: bool = False
    max_failures: NonNegativeInt | None = None


@dataclass(frozen=True)
class PathSettings:
    """Keys of `paths`."""

    runs: str = "runs"


def check_config(config: Config) -> list[Problem]:
    """Return every problem that shows before a model or a text is loaded; without any, the run can start."""
    problems = home_problems(config)
    problems += [*_top_level_problems(config), *_trainer_problems(config), *_logger_problems(config)]
    problems += monitor_problems(monitored_metrics(config), is_multi_label(config.get("dataset")))
    for role in SUPPLIED:
        problems += _part_problems(role, config)
    if not any(problem.key.startswith("dataset") for problem in problems):
        dataset = config["dataset"]
        if dataset.get("folds") is not None or dataset.get("fold") is not None:
            problems += fold_problems(dataset.get("folds"), dataset.get("fold"))
        problems += dataset_problems(dataset) + named_problems(dataset, _check_dataset)
    problems += reuse_problems(config, [role for role in ROLES if not any(p.key.startswith(role) for p in problems)])
    problems = problems or compatibility_problems(config)
    if not any(problem.key.startswith("encoder") for problem in problems):
        problems += encoder_problems(original_part(config, "encoder"))
    return problems


def argument_problems(
    role: str,
    config: Mapping[str, Any],
    signature: Signature,
    extras: Mapping[str, Argument] | None = None,
    supplied: Mapping[str, str] | None = None,
) -> list[Problem]:
    """Return the problems of the values below the key `role` as arguments of a function or class.

    Args:
        extras: further keys that are allowed below `role`.
        supplied: arguments that the config must not have -> where they are set from.
    """
    supplied = supplied or {}
    allowed = {n: p for n, p in signature.parameters.items() if n not in supplied} | dict(extras or {})
    dot = f"{role}." if role else ""
    problems = [
        Problem(f"{dot}{name}", f"is set from {source}", "remove it")
        for name, source in supplied.items()
        if name in config
    ]
    for name, value in config.items():
        if name in allowed:
            problems += _value_problems(f"{dot}{name}", value, allowed[name])
        elif name != "_target_" and name not in supplied and not signature.open:
            unknown = f"{signature.name} has no such argument", suggest.argument(role, name, allowed)
            known_elsewhere = renamed(f"{dot}{name}") or other_name(f"{dot}{name}", value)
            problems.append(known_elsewhere or Problem(f"{dot}{name}", *unknown))
    absent = [name for name, argument in allowed.items() if argument.required and name not in config]
    return problems + [Problem(f"{dot}{name}", "is missing", f"give {dot}{name}=...") for name in absent]


def _top_level_problems(config: Config) -> list[Problem]:
    known = read_signature(TOP_LEVEL, "config").parameters
    roles = [*SUPPLIED, *FIXED]
    unknown = [key for key in config if key not in known and key not in roles]
    problems = [
        other_name(key, config[key]) or Problem(key, "no such key", suggest.path(key, [*known, *roles]))
        for key in unknown
    ]
    problems += [Problem(r, "is missing", f"choose one: `frostline list {r}`") for r in roles if not config.get(r)]
    problems += argument_problems("", {k: v for k, v in config.items() if k in known}, Signature("config", known))
    for role, (function, supplied) in FIXED.items():
        if isinstance(values := config.get(role), Mapping):
            problems += argument_problems(role, values, read_signature(function, role), supplied=supplied)
    return problems + _study_problems(config.get("study"))


def _study_problems(name: Any) -> list[Problem]:
    if not isinstance(name, str) or re.fullmatch(r"[\w][\w.-]*", name):
        return []
    do = "use letters, digits, dots, dashes and underscores"
    return [Problem("study", f"{name!r} is not a valid folder name", do)]


def _trainer_problems(config: Config) -> list[Problem]:
    trainer = config.get("trainer")
    if not isinstance(trainer, Mapping):
        return []
    problems = []
    devices, strategy = trainer.get("devices"), trainer.get("strategy")
    if isinstance(devices, int) and devices > 1 and strategy == "auto":
        what = f"'auto' with trainer.devices {devices}: several processes need ddp"
        problems.append(Problem("trainer.strategy", what, "choose trainer=ddp, or trainer.devices=1"))
    return problems


def _logger_problems(config: Config) -> list[Problem]:
    logger = config.get("logger")
    if not isinstance(logger, Mapping) or logger.get("tensorboard") is not True:
        return []
    if any(find_module(name) for name in ("tensorboard", "tensorboardX")):
        return []
    do = "pip install 'frostline[tensorboard]', or choose another logger"
    return [Problem("logger.tensorboard", "TensorBoard is not installed", do)]


def _part_problems(role: str, config: Config) -> list[Problem]:
    part = config.get(role)
    if not part:
        return []  # reported as missing
    if not isinstance(part, Mapping) or not isinstance(part.get("_target_"), str) or part["_target_"] == MISSING:
        return [Problem(f"{role}._target_", "is missing", f"choose one: `frostline list {role}`, or name a class")]
    try:
        signature = read_signature(part["_target_"], f"{role}._target_")
        extras = text_arguments() if role == "dataset" else _group_settings(role)
    except UserError as error:
        return error.problems
    return argument_problems(role, part, signature, extras, SUPPLIED[role])


def _group_settings(role: str) -> dict[str, Argument]:
    return read_signature(SETTINGS[role], role).parameters if role in SETTINGS else {}


def _value_problems(key: str, value: Any, argument: Argument) -> list[Problem]:
    if value == MISSING:
        return [Problem(key, "is missing", f"give {key}=...")]
    mismatch = type_mismatch(value, argument.annotation)
    return [Problem(key, *mismatch)] if mismatch else []


def _check_dataset(dataset: Mapping[str, Any]) -> list[Problem]:
    """Check a shifted test set as if it were the data set of a run."""
    config = {"dataset": dict(dataset)}
    return _part_problems("dataset", config) or dataset_problems(config["dataset"])
