"""The identity of a run: an id that does not depend on where its results go, and a readable folder name."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

NOT_IN_ID = ("paths", "logger", "hydra", "rerun", "debug", "cache", "max_failures")  # do not change any metric
OF_SOME_CHOICES = ("multi_label", "label_separator", "separator", "encoding", "quoting")  # of the group dataset
ID_DEFAULTS: dict[str, dict[str, Any]] = {  # group -> keys that came after the first ids, with the value until then
    "loss": {"partners": "batch"},
    "trainer": {"min_steps": None},
    "dataset": dict.fromkeys(("keep_copies", "case_sensitive"), False) | dict.fromkeys(OF_SOME_CHOICES),
}
ID_VALUES = {"freezing": {"probe_epochs": 10, "epochs_per_thaw": 1}}  # group -> what null stands for in an id
COMMON_GROUPS = ("trainer", "dataset")  # whose keys every run has
INPUTS = "inputs"  # a key of configs whose runs read local files or are made of a user's own modules: their checksums
CODE_KEYS = ("_target_", "convert")  # their values are names of classes or functions
DOTTED = re.compile(r"frostline\.(?:\w+\.)*(\w+)")
EXACT = "float32"  # the data type of cached states that changes no value
GROUPS_IN_NAME = ("freezing", "adapter", "encoder", "pooler", "head", "dataset")
DEFAULT_CHOICES = {"adapter": "none", "pooler": "mean", "head": "linear"}  # not part of names
NOT_IN_TITLE = ("seed", "study", "logger", "paths", "hydra", "sweep")  # keys of overrides


def run_id(config: Mapping[str, Any]) -> str:
    """Return 12 hex digits of a resolved config.

    They depend neither on the order of keys, nor on 1 against 1.0, nor on the modules in which our classes are defined,
    nor on keys of ID_DEFAULTS with their default value, in the groups and in the data sets of `dataset.shifted`.
    """
    content = {
        key: _without_defaults(key, without_modules(value)) for key, value in config.items() if key not in NOT_IN_ID
    }
    if (rounded := config.get("cache", {}).get("dtype", EXACT)) != EXACT:
        content["cache.dtype"] = rounded
    text = json.dumps(_canonical(content), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def describe_job(config: Mapping[str, Any], choices: Mapping[str, str], overrides: Sequence[str]) -> dict[str, Any]:
    """Return what a run folder says about the run that it belongs to.

    These are id, choices and overrides; of a run with inputs, these too, and the id that runs with other content share.
    """
    job = {"id": run_id(config), "choices": dict(choices), "overrides": list(overrides)}
    if inputs := config.get(INPUTS):
        job |= {INPUTS: inputs, "without_inputs": id_without_inputs(config)}
    return job


def id_without_inputs(config: Mapping[str, Any]) -> str:
    """Return an id that is equal for runs that differ in nothing but the content of the files that they read."""
    return run_id({key: value for key, value in config.items() if key != INPUTS})


def without_modules(value: Any) -> Any:
    """Return a config in which classes and functions of this package are named without the modules that define them.

    `frostline.models.heads.linear.Linear` becomes `frostline.Linear`; with its key, such as `head._target_`, this is
    unambiguous. Classes of other packages keep their full name.
    """
    if isinstance(value, Mapping):
        return {key: _class_name(item) if key in CODE_KEYS else without_modules(item) for key, item in value.items()}
    return [without_modules(item) for item in value] if isinstance(value, list | tuple) else value


def _without_defaults(group: str, value: Any) -> Any:
    defaults, nulls = ID_DEFAULTS.get(group, {}), ID_VALUES.get(group, {})
    if not (defaults or nulls) or not isinstance(value, Mapping):
        return value
    value = {k: nulls.get(k) if v is None else v for k, v in value.items()}
    values = {k: v for k, v in value.items() if k not in defaults or (v, type(v)) != (defaults[k], type(defaults[k]))}
    if isinstance(shifted := values.get("shifted"), Mapping):
        values["shifted"] = {name: _without_defaults(group, other) for name, other in shifted.items()}
    return values


def fill_defaults(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a flat config with the keys of ID_DEFAULTS that it was written without, in groups that it has.

    Only in groups whose keys every run has; a key of another group may belong to one of its choices alone. Null is
    replaced by what it stands for in an id.
    """
    nulls = {f"{group}.{key}": value for group, values in ID_VALUES.items() for key, value in values.items()}
    config = {key: nulls.get(key) if value is None else value for key, value in config.items()}
    groups = {key.partition(".")[0] for key in config if "." in key}
    return {key: value for key, value in _flat_defaults().items() if key.partition(".")[0] in groups} | dict(config)


def leave_defaults_out(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a flat config without the keys that `fill_defaults` would restore."""
    defaults = _flat_defaults()
    return {k: v for k, v in config.items() if k not in defaults or (v, type(v)) != (defaults[k], type(defaults[k]))}


def _flat_defaults() -> dict[str, Any]:
    groups = {group: ID_DEFAULTS.get(group, {}) for group in COMMON_GROUPS}
    every = ((group, key, value) for group, keys in groups.items() for key, value in keys.items())
    return {f"{group}.{key}": value for group, key, value in every if key not in OF_SOME_CHOICES}


def run_folder_name(config: Mapping[str, Any], choices: Mapping[str, Any]) -> str:
    """Return `<freezing>-<encoder>-<dataset>-s<seed>-<id>`, with other choices of adapter, pooler or head in it."""
    parts = [*_choices_in_name(choices), f"s{config.get('seed')}", run_id(config)[:8]]
    return "-".join(re.sub(r"[^\w.]+", "_", part) for part in parts)


def run_title(config: Mapping[str, Any], choices: Mapping[str, Any], overrides: Sequence[str]) -> str:
    """Return a title such as `frozen bert_tiny vader_movies optimizer.lr=0.01 s1`, from choices and other overrides."""
    others = [line.lstrip("+") for line in overrides if _is_in_title(line.lstrip("+"))]
    return " ".join([*_choices_in_name(choices), *others, f"s{config.get('seed')}"])


def _class_name(value: Any) -> Any:
    match = DOTTED.fullmatch(value) if isinstance(value, str) else None
    return f"frostline.{match[1]}" if match else without_modules(value)


def _choices_in_name(choices: Mapping[str, Any]) -> list[str]:
    names = [choices.get(group) for group in GROUPS_IN_NAME if choices.get(group) != DEFAULT_CHOICES.get(group)]
    return [str(name) for name in names if name]


def _is_in_title(override: str) -> bool:
    key = override.partition("=")[0]
    return key not in GROUPS_IN_NAME and re.split("[./]", key)[0] not in NOT_IN_TITLE


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
