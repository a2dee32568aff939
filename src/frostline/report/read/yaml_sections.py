"""config.yaml read section by section: those of a sweep are nearly all the same, and each text is parsed once."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from frostline.results.identity import without_modules

SECTION = re.compile(r"^(?=[^\s#-])", re.MULTILINE)  # where a top-level key begins
SHARED = re.compile(r"[&*]id\d")  # an alias may point to another section


class UnreadableError(ValueError):
    """No config: half written, or somebody else's."""


def flatten_yaml(text: str) -> dict[str, Any]:
    """Return the values of a config.yaml by dotted key; classes of ours are named without their modules.

    Raises:
        UnreadableError: it is no yaml, or no mapping.
    """
    parts = [text] if SHARED.search(text) else SECTION.split(text)
    whole: dict[str, Any] = {}
    for part in parts:
        whole.update(_parsed(part))
    return whole


@functools.lru_cache(maxsize=4096)
def _parsed(section: str) -> Mapping[str, Any]:
    import yaml

    try:
        found = yaml.load(section, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise UnreadableError(str(error).splitlines()[0]) from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise UnreadableError("it holds no keys")
    return flatten(without_modules(found))


def flatten(config: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested mappings as dotted keys; lists become tuples."""
    keys: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            keys.update(flatten(value, f"{above}{key}."))
        else:
            keys[f"{above}{key}"] = _plain(value)
    return keys


def _plain(value: Any) -> Any:
    """Something that can be compared and counted."""
    if isinstance(value, list):
        return tuple(map(_plain, value))
    if isinstance(value, dict):
        return tuple((str(key), _plain(item)) for key, item in value.items())
    return value
