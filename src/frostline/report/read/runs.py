"""A run as it was left in its folder, whatever it came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

COMPLETE, FAILED, PRUNED, UNFINISHED, UNREADABLE = "complete", "failed", "pruned", "unfinished", "unreadable"

READING = ("dataset.max_length", "dataset.batch_size", "dataset.shifts", "dataset.shifted")  # decide no text of a split
REPEATS = ("dataset.fold", "dataset.split_seed", "dataset.shots_seed", "dataset.noise_seed")  # the same, drawn again
ARM, CHOSEN = "arm", "chosen"  # choices that a study tells of its runs: which arm, and whether at the chosen rate

Value = Any  # of a config key: text, number, truth, None, or a tuple of them
Pairs = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class RunRecord:
    """folder: as it was found. config: resolved, flat, by dotted key. why: of a run that has no result.

    environment: what of environment.json can make numbers differ, flat. written: seconds since the epoch.
    confusion: rows are true classes; supports: texts of each; both empty for texts of several labels.
    """

    folder: str
    state: str
    id: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Value] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    confusion: Sequence[Sequence[int]] = ()
    supports: Sequence[int] = ()
    environment: Mapping[str, Value] = field(default_factory=dict)
    written: float = 0.0
    why: str = ""

    def value(self, key: str) -> Value:
        """Of a config group the name chosen, of a config key its value; None where the run has no such key."""
        return self.choices[key] if key in self.choices else self.config.get(key)

    @property
    def seed(self) -> Value:
        return self.config.get("seed")

    @cached_property
    def repeat(self) -> Pairs:
        """Which fold or draw of its data set it is; those that are not drawn again are left out."""
        return tuple((key, self.config[key]) for key in REPEATS if self.config.get(key) is not None)

    @cached_property
    def texts(self) -> Pairs:
        """All keys that decide which texts are read, less the repeats."""
        own = ((key, value) for key, value in self.config.items() if key.startswith("dataset."))
        return tuple(pair for pair in own if pair[0] not in READING and pair[0] not in REPEATS)


def is_covered(key: str, shown: Sequence[str]) -> bool:
    """Whether a config key is one of these, or belongs to a group that is."""
    return key in shown or key.partition(".")[0] in shown


def format_value(value: Value) -> str:
    """A value as it is written on a command line; `-` for none."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return f"[{','.join(map(format_value, value))}]" if isinstance(value, tuple) else str(value)


def names_value(value: Value, text: str) -> bool:
    """Whether a text names this value: `1e-3` is 0.001, `null` is none."""
    if format_value(value) == text or (value is None and text == "null"):
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return float(text) == value
    except ValueError:
        return False


def format_pairs(keys: Sequence[str], values: Sequence[Value]) -> str:
    """`freezing=full, dataset=reuters_r8`."""
    return ", ".join(f"{key}={format_value(value)}" for key, value in zip(keys, values, strict=True))
