"""Whether a value of a config has the type of an annotation; if not, what is wrong and what to give."""

from __future__ import annotations

import collections.abc
import pathlib
import types
import typing
from typing import Any, Literal

from frostline.config.checks.source import UNKNOWN
from frostline.types import Range

Mismatch = tuple[str, str]  # what is wrong, and what to do
NOUNS = {int: "an integer", float: "a number", str: "a text", bool: "true or false", type(None): "null"}
LISTS = (list, tuple, set, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
MAPPINGS = (dict, collections.abc.Mapping)


def type_mismatch(value: Any, annotation: Any) -> Mismatch | None:
    """Return what is wrong with a value; None if it has the type, or if the type cannot be checked."""
    if has_type(value, annotation):
        return None
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if (origin in LISTS or annotation in LISTS) and isinstance(value, list | tuple):
        return next(filter(None, (type_mismatch(item, arguments[0]) for item in value)))
    members = arguments if origin in (typing.Union, types.UnionType) else (annotation,)
    ranges = [typing.get_args(member) for member in members if typing.get_origin(member) is typing.Annotated]
    violated = [limits for kind, *limits in ranges if has_type(value, kind)]
    if violated:
        return _out_of_range(value, violated[0])
    expected = describe_type(str if annotation is pathlib.Path else annotation)
    return f"{yaml_text(value)} is not {expected}", f"give {expected}"


def has_type(value: Any, annotation: Any) -> bool:
    """Return whether a value has a type; True if the type cannot be checked."""
    if annotation is UNKNOWN or annotation is Any or isinstance(annotation, str):
        return True
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return has_type(value, arguments[0]) and all(_is_within(value, limits) for limits in arguments[1:])
    if origin in (typing.Union, types.UnionType):
        return any(has_type(value, member) for member in arguments)
    if origin is Literal:
        return any(value == member and type(value) is type(member) for member in arguments)
    if origin in LISTS or annotation in LISTS:
        item_type = arguments[0] if arguments else Any
        return isinstance(value, list | tuple) and all(has_type(item, item_type) for item in value)
    return _is_instance(value, str if annotation is pathlib.Path else annotation)


def _is_instance(value: Any, kind: Any) -> bool:
    if kind is None or kind is type(None):
        return value is None
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in MAPPINGS or typing.get_origin(kind) in MAPPINGS:
        return isinstance(value, dict)
    return not isinstance(kind, type) or kind not in NOUNS or isinstance(value, kind)


def _is_within(value: float, limits: Any) -> bool:
    if not isinstance(limits, Range):
        return True
    above = value > limits.low if limits.open_low else value >= limits.low
    below = value < limits.high if limits.open_high else value <= limits.high
    return above and below


def _out_of_range(value: Any, limits: collections.abc.Sequence[Any]) -> Mismatch:
    violated = next(limit for limit in limits if not _is_within(value, limit))
    return f"{yaml_text(value)} is not {violated}", f"give a number {violated}"


def yaml_text(value: Any) -> str:
    """Return a value as it is written in yaml."""
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else repr(value)


def describe_type(annotation: Any) -> str:
    """Return a description of a type, such as `an integer at least 1 or null`."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        ranges = [str(limit) for limit in arguments[1:] if isinstance(limit, Range)]
        return " ".join([describe_type(arguments[0]), *ranges])
    if origin in (typing.Union, types.UnionType, Literal):
        return _join_alternatives(_alternative_names(annotation))
    if origin in LISTS or annotation in LISTS:
        return "a list"
    if annotation in MAPPINGS or origin in MAPPINGS:
        return "a mapping"
    return NOUNS.get(annotation, "a path" if annotation is pathlib.Path else getattr(annotation, "__name__", "that"))


def _alternative_names(annotation: Any) -> list[str]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return [member if isinstance(member, str) else yaml_text(member) for member in arguments]
    if origin in (typing.Union, types.UnionType):
        return [word for member in arguments for word in _alternative_names(member)]
    return [describe_type(annotation)]


def _join_alternatives(words: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
