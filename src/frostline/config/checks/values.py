"""Does a value of a config fit an annotation? If not: what is wrong, and what would be right."""

from __future__ import annotations

import collections.abc
import pathlib
import types
import typing
from typing import Any, Literal

from frostline.config.checks.source import UNKNOWN
from frostline.types import Range

Complaint = tuple[str, str]  # what is wrong; what to do
NOUNS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): "null"}
LISTS = (list, tuple, set, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
MAPPINGS = (dict, collections.abc.Mapping)


def complaint(value: Any, annotation: Any) -> Complaint | None:
    """None where the value fits, or where the annotation says nothing that can be checked."""
    if annotation is UNKNOWN or annotation is Any or isinstance(annotation, str):
        return None
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _misfit(value, annotation) if complaint(value, arguments[0]) else _beyond(value, arguments[1:])
    if origin in (typing.Union, types.UnionType):
        return _union(value, annotation, arguments)
    if origin is Literal:
        right = any(value == a and type(value) is type(a) for a in arguments)
        return None if right else _misfit(value, annotation)
    if origin in LISTS or annotation in LISTS:
        return _items(value, annotation, arguments)
    if annotation is pathlib.Path:
        annotation = str
    return None if _is(value, annotation) else _misfit(value, annotation)


def _is(value: Any, kind: Any) -> bool:
    if kind is None or kind is type(None):
        return value is None
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in MAPPINGS or typing.get_origin(kind) in MAPPINGS:
        return isinstance(value, dict)
    return not isinstance(kind, type) or kind not in NOUNS or isinstance(value, kind)


def _beyond(value: Any, limits: collections.abc.Sequence[Any]) -> Complaint | None:
    broken = [limit for limit in limits if isinstance(limit, Range) and not limit.holds(value)]
    if not broken:
        return None
    return f"{show(value)} is not {broken[0]}", f"give a number {broken[0]}"


def _union(value: Any, annotation: Any, members: tuple[Any, ...]) -> Complaint | None:
    if any(complaint(value, member) is None for member in members):
        return None
    ranges = [typing.get_args(member) for member in members if typing.get_origin(member) is typing.Annotated]
    fitting = [limits for kind, *limits in ranges if complaint(value, kind) is None]
    return _beyond(value, fitting[0]) if fitting else _misfit(value, annotation)


def _items(value: Any, annotation: Any, arguments: tuple[Any, ...]) -> Complaint | None:
    if not isinstance(value, list | tuple):
        return _misfit(value, annotation)
    kind = arguments[0] if arguments else Any
    return next(filter(None, (complaint(item, kind) for item in value)), None)


def _misfit(value: Any, annotation: Any) -> Complaint:
    return f"{show(value)} is not {noun(annotation)}", f"give {noun(annotation)}"


def show(value: Any) -> str:
    """A value as it would stand in the yaml."""
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else repr(value)


def noun(annotation: Any) -> str:
    """What fits, in words."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return " ".join([noun(arguments[0]), *(str(limit) for limit in arguments[1:] if isinstance(limit, Range))])
    if origin in (typing.Union, types.UnionType, Literal):
        return _either(_alternatives(annotation))
    if origin in LISTS or annotation in LISTS:
        return "a list"
    if annotation in MAPPINGS or origin in MAPPINGS:
        return "a mapping"
    return NOUNS.get(annotation, "a path" if annotation is pathlib.Path else getattr(annotation, "__name__", "that"))


def _alternatives(annotation: Any) -> list[str]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return [member if isinstance(member, str) else show(member) for member in arguments]
    if origin in (typing.Union, types.UnionType):
        return [word for member in arguments for word in _alternatives(member)]
    return [noun(annotation)]


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
