"""All mistakes of a resolved config at once, before anything is loaded; what a part takes is read from its source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from frostline.config import shifts
from frostline.config.checks import compatibility as fits
from frostline.config.checks import dataset as sources
from frostline.config.checks import suggest
from frostline.config.checks.signature import Argument, Signature, read
from frostline.config.checks.source import find_module
from frostline.config.checks.values import complaint
from frostline.config.renamed import renamed
from frostline.data.folds import fold_problems
from frostline.errors import Problem, UserError
from frostline.types import Config, Whole

MISSING = "???"
SETTINGS = {  # keys of a role that are arguments of none of its parts
    "freezing": "frostline.freezing.build.FreezingSettings",
    "adapter": "frostline.models.build.AdapterSettings",
}
TOP_LEVEL = f"{__name__}.TopLevelSettings"
TRAINER = "frostline.training.settings.TrainerSettings"
LOGGER = "frostline.training.loggers.choose.choose"
SUPPLIED: dict[str, dict[str, str]] = {  # by build, from other parts; the config must leave them out
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
# groups that choose no part: what they set are arguments of one function of ours
FIXED: dict[str, tuple[str, dict[str, str]]] = {
    "trainer": (TRAINER, {}),
    "logger": (LOGGER, dict.fromkeys(("folder", "group", "name", "config"), "the run")),
    "cache": ("frostline.cache.shared_store.CacheSettings", {}),
    "paths": (f"{__name__}.PathSettings", {}),
}


@dataclass(frozen=True)
class TopLevelSettings:
    """Keys of a config that belong to no group."""

    seed: Whole = 1
    study: str = "default"
    rerun: bool = False
    max_failures: Whole | None = None


@dataclass(frozen=True)
class PathSettings:
    """Keys of `paths`."""

    runs: str = "runs"


def check(config: Config) -> list[Problem]:
    """Every problem that can be known before a model or a text is loaded; none: the run can start."""
    problems = [*_top(config), *_trainer(config), *_logger(config)]
    for role in SUPPLIED:
        problems += _part(role, config)
    if not any(problem.key.startswith("dataset") for problem in problems):
        problems += fold_problems(config["dataset"].get("folds"), config["dataset"].get("fold"))
        problems += sources.problems(config["dataset"]) + shifts.problems(config["dataset"], _whole_data)
    return problems or fits.problems(config)


def _top(config: Config) -> list[Problem]:
    known = read(TOP_LEVEL, "config").parameters
    roles = [*SUPPLIED, *FIXED]
    unknown = [key for key in config if key not in known and key not in roles]
    problems = [Problem(key, "no such key", suggest.path(key, [*known, *roles])) for key in unknown]
    problems += [Problem(r, "is missing", f"choose one: `frostline list {r}`") for r in roles if not config.get(r)]
    problems += arguments("", {k: v for k, v in config.items() if k in known}, Signature("config", known))
    for role, (function, supplied) in FIXED.items():
        if isinstance(given := config.get(role), Mapping):
            problems += arguments(role, given, read(function, role), supplied=supplied)
    return problems + _study(config.get("study"))


def _study(name: Any) -> list[Problem]:
    if not isinstance(name, str) or re.fullmatch(r"[\w][\w.-]*", name):
        return []
    return [Problem("study", f"{name!r} is no folder name", "use letters, digits, dots, dashes and underscores")]


def _trainer(config: Config) -> list[Problem]:
    given = config.get("trainer")
    if not isinstance(given, Mapping):
        return []
    problems = []
    devices, strategy, monitor = given.get("devices"), given.get("strategy"), given.get("monitor")
    if isinstance(devices, int) and devices > 1 and strategy == "auto":
        what = f"'auto' with trainer.devices {devices}: several processes need ddp"
        problems.append(Problem("trainer.strategy", what, "choose trainer=ddp, or trainer.devices=1"))
    if isinstance(monitor, str) and not monitor.startswith("val/"):
        what = f"{monitor!r} is not of the validation part"
        problems.append(Problem("trainer.monitor", what, "give val/<metric>, such as val/f1_macro"))
    return problems


def _logger(config: Config) -> list[Problem]:
    given = config.get("logger")
    if not isinstance(given, Mapping) or given.get("tensorboard") is not True:
        return []
    if any(find_module(name) for name in ("tensorboard", "tensorboardX")):
        return []
    do = "pip install 'frostline[tensorboard]', or choose another logger"
    return [Problem("logger.tensorboard", "TensorBoard is not installed", do)]


def _part(role: str, config: Config) -> list[Problem]:
    given = config.get(role)
    if not given:
        return []  # told as missing
    if not isinstance(given, Mapping) or not isinstance(given.get("_target_"), str) or given["_target_"] == MISSING:
        return [Problem(f"{role}._target_", "is missing", f"choose one: `frostline list {role}`, or name a class")]
    try:
        signature = read(given["_target_"], f"{role}._target_")
        extras = _extras(role)
    except UserError as error:
        return error.problems
    return arguments(role, given, signature, extras, SUPPLIED[role])


def _extras(role: str) -> dict[str, Argument]:
    """Keys of a role that are not its part's own."""
    if role == "dataset":
        return sources.extras()
    return read(SETTINGS[role], role).parameters if role in SETTINGS else {}


def arguments(
    role: str,
    given: Mapping[str, Any],
    signature: Signature,
    extras: Mapping[str, Argument] | None = None,
    supplied: Mapping[str, str] | None = None,
) -> list[Problem]:
    """What is wrong with values, given under a key, for what takes them."""
    taken = {n: p for n, p in signature.parameters.items() if n not in (supplied or {})} | dict(extras or {})
    dot = f"{role}." if role else ""
    owned = {name: by for name, by in (supplied or {}).items() if name in given}
    problems = [Problem(f"{dot}{name}", f"is set from {by}", "remove it") for name, by in owned.items()]
    for name, value in given.items():
        if name in taken:
            problems += _value(f"{dot}{name}", value, taken[name])
        elif name != "_target_" and name not in (supplied or {}) and not signature.open:
            problems.append(renamed(f"{dot}{name}") or _unknown(role, name, signature, taken))
    absent = [name for name, parameter in taken.items() if parameter.required and name not in given]
    return problems + [Problem(f"{dot}{name}", "is missing", f"give {dot}{name}=...") for name in absent]


def _unknown(role: str, name: str, signature: Signature, known: Iterable[str]) -> Problem:
    key = f"{role}.{name}" if role else name
    return Problem(key, f"{signature.name} takes no such argument", suggest.argument(role, name, known))


def _value(key: str, value: Any, parameter: Argument) -> list[Problem]:
    if value == MISSING:
        return [Problem(key, "is missing", f"give {key}=...")]
    wrong = complaint(value, parameter.annotation)
    return [Problem(key, *wrong)] if wrong else []


def _whole_data(given: Mapping[str, Any]) -> list[Problem]:
    """A data set with all its arguments, as if it were the home data set."""
    config = {"dataset": dict(given)}
    return _part("dataset", config) or sources.problems(config["dataset"])


def told_once(problems: Iterable[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
