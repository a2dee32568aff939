"""Read config.yaml section by section. The sections of a sweep repeat, and each text is parsed once."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from frostline.results.identity import without_modules

SECTION = re.compile(r"^(?=[^\s#-])", re.MULTILINE)  # the beginning of a top-level key
SHARED = re.compile(r"[&*]id\d")  # an alias may refer to another section


class UnreadableError(ValueError):
    """A file is truncated, or is not of a run."""


def flatten_yaml(text: str) -> dict[str, Any]:
    """Return the values of a config.yaml by dotted key; classes of this package are named without their modules.

    Raises:
        UnreadableError: it is no yaml, or no mapping.
    """
    sections = [text] if SHARED.search(text) else SECTION.split(text)
    config: dict[str, Any] = {}
    for section in sections:
        config.update(_parse_section(section))
    return config


@functools.lru_cache(maxsize=4096)
def _parse_section(section: str) -> Mapping[str, Any]:
    import yaml

    try:
        content = yaml.load(section, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise UnreadableError(str(error).splitlines()[0]) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UnreadableError("it is no mapping")
    return flatten(without_modules(content))


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one mapping with dotted keys; lists become tuples."""
    keys: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            keys.update(flatten(value, f"{prefix}{key}."))
        else:
            keys[f"{prefix}{key}"] = _hashable(value)
    return keys


def _hashable(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    if isinstance(value, dict):
        return tuple((str(key), _hashable(item)) for key, item in value.items())
    return value
