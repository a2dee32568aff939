"""What a search may choose: Hydra's own grammar of sweeps as parameters with choices or ends.

`a,b`, `choice(a,b)` and `glob(*)` are choices; `range(1,5)` are the numbers of the range, in order; `interval(0,0.5)`
are all numbers between, whole ones with `int(...)`, and with `tag(log,...)` drawn by their magnitude.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, Override

from frostline.errors import Problem

DIGITS = 5  # of a drawn number: as a person would write it


@dataclass(frozen=True)
class SearchParameter:
    """One key that is searched: its choices, or the ends of its numbers."""

    key: str
    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False

    @property
    def ends(self) -> list[str]:
        """Values that together show what can be wrong with any."""
        return list(self.choices) or list(dict.fromkeys([_written(self.low), _written(self.high)]))

    def line(self, value: Any) -> str:
        """The override that sets it."""
        return f"{self.key}={value if self.choices else self._short(value)}"

    def _short(self, value: float) -> str:
        if isinstance(self.low, int) or self.step is not None:
            return f"{value:.12g}"
        return _written(min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high))

    def drawn(self, trial: Any) -> Any:
        """Its value in one of Optuna's trials."""
        if self.choices:
            return trial.suggest_categorical(self.key, self.choices)
        if isinstance(self.low, int):
            return trial.suggest_int(self.key, self.low, int(self.high), step=int(self.step or 1), log=self.log)
        return trial.suggest_float(self.key, self.low, self.high, step=self.step, log=self.log)


def _written(value: float) -> str:
    return repr(value)


def parameters(overrides: Sequence[Override]) -> tuple[list[SearchParameter], list[Problem]]:
    """Of the overrides that sweep; and what is wrong with the others."""
    found: list[SearchParameter] = []
    problems: list[Problem] = []
    for override in overrides:
        if not override.is_sweep_override():
            continue
        what = next(_wrong(override), None)
        if what is None:
            found.append(_parameter(override))
        else:
            problems.append(Problem(override.key_or_group, f"'{_text(override)}' {what[0]}", what[1]))
    return found, problems


def probes(space: Sequence[SearchParameter]) -> list[list[str]]:
    """Points that show each choice and each end, the others at their first."""
    first = [f"{parameter.key}={parameter.ends[0]}" for parameter in space]
    others = [
        [*first[:i], f"{parameter.key}={end}", *first[i + 1 :]]
        for i, parameter in enumerate(space)
        for end in parameter.ends[1:]
    ]
    return [first, *others]


def _wrong(override: Override) -> Iterator[tuple[str, str]]:
    """What is wrong with a sweep, and what to do about it."""
    sweep: Any = override.value()
    if not override.is_choice_sweep() and (unknown := sorted(sweep.tags - {"log"})):
        yield f"has the tag {unknown[0]}", "the only tag is log, as in tag(log,interval(1e-4,1e-1))"
    if isinstance(sweep, IntervalSweep):
        low, high = sweep.start, sweep.end
        if low is None or high is None or low > high:
            yield "is empty", "give the lower end first, as in interval(0,0.5)"
        elif "log" in sweep.tags and low <= 0:
            yield "has no magnitude at its lower end", "let it begin above 0, or leave tag(log,...) out"
        return
    if (override.is_range_sweep() and sweep.step == 0) or not list(override.sweep_iterator()):
        yield "matches nothing, so there is no job", "widen it; `frostline list` shows the choices"
    elif "log" in sweep.tags and override.is_range_sweep():
        yield "is a range, whose numbers are drawn alike", "write tag(log,int(interval(1,100))), or leave the tag out"


def _parameter(override: Override) -> SearchParameter:
    sweep: Any = override.value()
    key = override.get_key_element()
    if isinstance(sweep, IntervalSweep):
        assert sweep.start is not None and sweep.end is not None
        return SearchParameter(key, (), sweep.start, sweep.end, None, "log" in sweep.tags)
    if override.is_range_sweep():
        numbers: list[float] = sorted(sweep.range())
        return SearchParameter(key, (), numbers[0], numbers[-1], abs(sweep.step))
    return SearchParameter(key, tuple(dict.fromkeys(override.sweep_string_iterator())))


def _text(override: Override) -> str:
    return str(override.input_line).partition("=")[2]
