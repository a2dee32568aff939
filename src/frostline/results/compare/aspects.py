"""One thing that two runs have, and how far they agree in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

EQUAL, NEAR, DIFFERS, ABSENT = "equal", "near", "differs", "absent"
MAX_LINES = 8  # lines shown of one aspect


@dataclass(frozen=True)
class Aspect:
    """verdict: EQUAL to the bit, NEAR: within the tolerance, DIFFERS, or ABSENT: one of the runs has none."""

    name: str
    verdict: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = [f"  {line}" for line in self.lines[:MAX_LINES]]
        more = [f"  and {len(self.lines) - MAX_LINES} more"] if len(self.lines) > MAX_LINES else []
        return "\n".join([f"{self.name:<12} {self.verdict}", *shown, *more])


def compare_values(name: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Aspect:
    """Of nested mappings, each difference told with both values."""
    lines = tuple(f"{key}: {a} | {b}" for key, a, b in differences(first, second))
    return Aspect(name, DIFFERS if lines else EQUAL, lines)


def compare_numbers(name: str, first: Mapping[str, float], second: Mapping[str, float], tolerance: float) -> Aspect:
    """Of numbers by name, the farthest apart first."""
    lacking = sorted(first.keys() ^ second.keys())
    apart = {key: distance(first[key], second[key]) for key in first.keys() & second.keys()}
    apart = {key: far for key, far in apart.items() if far}
    told = [f"{key}: {first[key]!r} | {second[key]!r}" for key in sorted(apart, key=lambda key: (-apart[key], key))]
    lines = *(f"{key}: {first.get(key, ABSENT)} | {second.get(key, ABSENT)}" for key in lacking), *told
    if not lines:
        return Aspect(name, EQUAL)
    return Aspect(name, DIFFERS if lacking or max(apart.values()) > tolerance else NEAR, lines)


def distance(first: float, second: float) -> float:
    """0 for what is the same number, also where it is none; infinite where only one is."""
    if first == second or (first != first and second != second):
        return 0.0
    far = abs(first - second)
    return far if far == far else float("inf")


def differences(first: Mapping[str, Any], second: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted key, value there, value here), in the order of the keys; what one lacks is told as absent."""
    for key in dict.fromkeys([*first, *second]):
        a, b, name = first.get(key, ABSENT), second.get(key, ABSENT), f"{path}{key}"
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from differences(a, b, f"{name}.")
        elif a != b:
            yield name, a, b
