"""One aspect in which two runs are compared, such as their metrics or their weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

EQUAL, NEAR, DIFFERS, ABSENT = "equal", "near", "differs", "absent"
MAX_LINES = 8  # shown of one aspect
VERDICT_WORDS = {EQUAL: "equal to the bit", NEAR: "within {tolerance:g}", DIFFERS: "different", ABSENT: "absent"}


@dataclass(frozen=True)
class Aspect:
    """The verdict on an aspect, and its differences.

    verdict: EQUAL to the bit, NEAR (within the tolerance), DIFFERS, or ABSENT in one of the runs.
    """

    name: str
    verdict: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = [f"  {line}" for line in self.lines[:MAX_LINES]]
        more = [f"  and {len(self.lines) - MAX_LINES} more"] if len(self.lines) > MAX_LINES else []
        return "\n".join([f"{self.name:<12} {self.verdict}", *shown, *more])


def compare_values(name: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Aspect:
    """Compare nested mappings for equality."""
    lines = tuple(f"{key}: {a} | {b}" for key, a, b in differences(first, second))
    return Aspect(name, DIFFERS if lines else EQUAL, lines)


def compare_numbers(name: str, first: Mapping[str, float], second: Mapping[str, float], tolerance: float) -> Aspect:
    """Compare numbers by name; the lines list the largest difference first."""
    in_one = sorted(first.keys() ^ second.keys())
    distances = {key: distance(first[key], second[key]) for key in first.keys() & second.keys()}
    distances = {key: value for key, value in distances.items() if value}
    in_both = sorted(distances, key=lambda key: (-distances[key], key))
    missing_lines = [f"{key}: {first.get(key, ABSENT)} | {second.get(key, ABSENT)}" for key in in_one]
    lines = (*missing_lines, *(f"{key}: {first[key]!r} | {second[key]!r}" for key in in_both))
    if not lines:
        return Aspect(name, EQUAL)
    return Aspect(name, DIFFERS if in_one or max(distances.values()) > tolerance else NEAR, lines)


def distance(first: float, second: float) -> float:
    """Return the absolute difference: 0 where both are nan, infinite where only one is."""
    if first == second or (first != first and second != second):
        return 0.0
    difference = abs(first - second)
    return difference if difference == difference else float("inf")


def differences(first: Mapping[str, Any], second: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted key, first value, second value) in the order of the keys; ABSENT for a missing value."""
    for key in dict.fromkeys([*first, *second]):
        a, b, name = first.get(key, ABSENT), second.get(key, ABSENT), f"{path}{key}"
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from differences(a, b, f"{name}.")
        elif a != b:
            yield name, a, b
