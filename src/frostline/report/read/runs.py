"""A run as a report reads it, complete or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from frostline.results.identity import INPUTS

COMPLETE, FAILED, PRUNED, UNFINISHED, UNREADABLE = "complete", "failed", "pruned", "unfinished", "unreadable"

SAME_TEXTS = ("dataset.max_length", "dataset.batch_size", "dataset.shifts", "dataset.shifted")  # do not change a split
OF_TEXTS = ("dataset.", f"{INPUTS}.dataset.")
REPEATS = ("dataset.fold", "dataset.split_seed", "dataset.shots_seed", "dataset.noise_seed")  # repetitions of a split
ARM, CHOSEN = "arm", "chosen"  # added to the choices by a study: the arm, and whether the learning rate was selected

Value = Any  # of a config key: str, number, bool, None, or a tuple of them
Pairs = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class RunRecord:
    """One run.

    folder: its path, as given. config: resolved, with dotted keys. why: the reason of a run without a result.
    environment: the entries of environment.json that can change results, flat. written: seconds since the epoch.
    from_csv: read from a results.csv, without the files of its folder.
    study_seeds: those that the study of the run asks for, if it is known.
    confusion: texts of each pair (true class, predicted class) that occurs; supports: test texts of each class; both
    empty for multilabel texts.
    """

    folder: str
    state: str
    id: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Value] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    confusion: Mapping[tuple[int, int], int] = field(default_factory=dict)
    supports: Sequence[int] = ()
    environment: Mapping[str, Value] = field(default_factory=dict)
    study_seeds: Sequence[int] = ()
    written: float = 0.0
    why: str = ""
    from_csv: bool = False

    def value(self, key: str) -> Value:
        """Return the choice of a config group, or the value of a config key; None if the run has no such key."""
        return self.choices[key] if key in self.choices else self.config.get(key)

    @property
    def seed(self) -> Value:
        return self.config.get("seed")

    @cached_property
    def repeat(self) -> Pairs:
        """The config keys that select a fold or a random split of the data set, with their values."""
        return tuple((key, self.config[key]) for key in REPEATS if self.config.get(key) is not None)

    @cached_property
    def texts(self) -> Pairs:
        """All config keys that determine the texts, except the repeats, and the content of files, with their values."""
        dataset = ((key, value) for key, value in self.config.items() if key.startswith(OF_TEXTS))
        return tuple(pair for pair in dataset if pair[0] not in SAME_TEXTS and pair[0] not in REPEATS)


def is_covered(key: str, shown: Sequence[str]) -> bool:
    """Return whether a config key, or the key that an input is of, is shown or belongs to a shown group."""
    key = key.removeprefix(f"{INPUTS}.")
    return key in shown or key.partition(".")[0] in shown


def format_value(value: Value) -> str:
    """Format a value as on a command line; None is `-`."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return f"[{','.join(map(format_value, value))}]" if isinstance(value, tuple) else str(value)


def names_value(value: Value, text: str) -> bool:
    """Return whether a text of the command line means this value: `1e-3` means 0.001, `null` means None."""
    if format_value(value) == text or (value is None and text == "null"):
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return float(text) == value
    except ValueError:
        return False


def format_pairs(keys: Sequence[str], values: Sequence[Value]) -> str:
    """Format keys and values as `freezing=full, dataset=reuters_r8`."""
    return ", ".join(f"{key}={format_value(value)}" for key, value in zip(keys, values, strict=True))
