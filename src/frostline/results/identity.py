"""Which run a config is: an id that does not depend on where results go, and a folder name that people can read."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

NOT_IN_ID = (
    "paths",
    "logger",
    "hydra",
    "rerun",
    "debug",
    "cache",
    "max_failures",
)  # they change no number of the result
CODE_KEYS = ("_target_", "convert")  # their values name a class or a function
DOTTED = re.compile(r"frostline\.(?:\w+\.)*(\w+)")
EXACT = "float32"  # states kept so are those that were computed
NAMED = ("freezing", "adapter", "encoder", "pooler", "head", "dataset")
USUAL = {"adapter": "none", "pooler": "mean", "head": "linear"}  # left out of names
UNTITLED = ("seed", "study", "logger", "paths", "hydra", "sweep")  # overrides that a title need not tell, or has told


def run_id(config: Mapping[str, Any]) -> str:
    """Return 12 hex digits of a resolved config.

    They depend neither on the order of keys, nor on 1 against 1.0, nor on the modules in which our classes are defined.
    """
    content = {key: without_modules(value) for key, value in config.items() if key not in NOT_IN_ID}
    if (rounded := config.get("cache", {}).get("dtype", EXACT)) != EXACT:
        content["cache.dtype"] = rounded
    text = json.dumps(_canonical(content), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def without_modules(value: Any) -> Any:
    """Return a config in which classes and functions of this package are named without the modules that define them.

    `frostline.models.heads.linear.Linear` becomes `frostline.Linear`; with its key, such as `head._target_`, this is
    unambiguous. Classes of other packages keep their full name.
    """
    if isinstance(value, Mapping):
        return {key: _class_name(item) if key in CODE_KEYS else without_modules(item) for key, item in value.items()}
    return [without_modules(item) for item in value] if isinstance(value, list | tuple) else value


def _class_name(value: Any) -> Any:
    match = DOTTED.fullmatch(value) if isinstance(value, str) else None
    return f"frostline.{match[1]}" if match else without_modules(value)


def run_folder_name(config: Mapping[str, Any], choices: Mapping[str, Any]) -> str:
    """``<freezing>-<encoder>-<dataset>-s<seed>-<id>``, with adapter, pooler or head where not the usual."""
    words = [*_named(choices), f"s{config.get('seed')}", run_id(config)[:8]]
    return "-".join(re.sub(r"[^\w.]+", "_", word) for word in words)


def run_title(config: Mapping[str, Any], choices: Mapping[str, Any], overrides: Sequence[str]) -> str:
    """``frozen bert_tiny vader_movies optimizer.lr=0.01 s1``: choices that matter and what was told beside them."""
    told = [line.lstrip("+") for line in overrides if _is_titled(line.lstrip("+"))]
    return " ".join([*_named(choices), *told, f"s{config.get('seed')}"])


def _named(choices: Mapping[str, Any]) -> list[str]:
    names = [choices.get(group) for group in NAMED if choices.get(group) != USUAL.get(group)]
    return [str(name) for name in names if name]


def _is_titled(override: str) -> bool:
    key = override.partition("=")[0]
    return key not in NAMED and re.split("[./]", key)[0] not in UNTITLED


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
