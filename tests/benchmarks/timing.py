"""What all benchmarks share: clocks, medians with their spread, and a table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

import torch


class Stopwatch:
    """``with watch: ...`` adds up the seconds spent inside; a nested entry counts once."""

    def __init__(self) -> None:
        self.seconds, self._depth, self._began = 0.0, 0, 0.0

    def __enter__(self) -> Stopwatch:
        if not self._depth:
            self._began = time.perf_counter()
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self.seconds += time.perf_counter() - self._began

    def take(self) -> float:
        """The seconds since the last call."""
        seconds, self.seconds = self.seconds, 0.0
        return seconds


def settle() -> None:
    """Wait for a GPU, where one is at work: a call returns before it has done what it was given."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def pairs(of: Sequence[float], to: Sequence[float]) -> list[float]:
    """Ratios of values that were measured one after the other."""
    return [a / b for a, b in zip(of, to, strict=True)]


def table(rows: dict[str, Sequence[float]], unit: str) -> str:
    """Median, least and greatest of each row."""
    lines = [f"| {unit} | median | min | max | n |", "|---|---|---|---|---|"]
    for name, values in rows.items():
        lines.append(f"| {name} | {median(values):.2f} | {min(values):.2f} | {max(values):.2f} | {len(values)} |")
    return "\n".join(lines)
