"""The search space: overrides in Hydra's grammar of sweeps as parameters with choices or bounds.

`a,b`, `choice(a,b)` and `glob(*)` are choices; `range(1,5)` are the numbers of the range, in order; `interval(0,0.5)`
are all numbers between the bounds, integers with `int(...)`, and sampled on a log scale with `tag(log,...)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, Override

from frostline.errors import Problem

DIGITS = 5  # significant digits of a sampled number


@dataclass(frozen=True)
class SearchParameter:
    """One key that is searched: its choices, or its bounds, step and scale."""

    key: str
    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False

    @property
    def probe_values(self) -> list[str]:
        """All choices or both bounds, which show what can be wrong with any value."""
        return list(self.choices) or list(dict.fromkeys([repr(self.low), repr(self.high)]))

    def override(self, value: Any) -> str:
        """Return the override that sets the key to a value."""
        return f"{self.key}={value if self.choices else self._round(value)}"

    def _round(self, value: float) -> str:
        if isinstance(self.low, int) or self.step is not None:
            return f"{value:.12g}"
        return repr(min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high))

    def suggest(self, trial: Any) -> Any:
        """Return the value that Optuna samples for a trial."""
        if self.choices:
            return trial.suggest_categorical(self.key, self.choices)
        if isinstance(self.low, int):
            return trial.suggest_int(self.key, self.low, int(self.high), step=int(self.step or 1), log=self.log)
        return trial.suggest_float(self.key, self.low, self.high, step=self.step, log=self.log)


def search_parameters(overrides: Sequence[Override]) -> tuple[list[SearchParameter], list[Problem]]:
    """Return a parameter for each override that is a sweep, and the problems of sweeps that are no parameter."""
    parameters: list[SearchParameter] = []
    problems: list[Problem] = []
    for override in overrides:
        if not override.is_sweep_override():
            continue
        mistake = next(_mistakes(override), None)
        if mistake is None:
            parameters.append(_parameter(override))
        else:
            value = str(override.input_line).partition("=")[2]
            problems.append(Problem(override.key_or_group, f"'{value}' {mistake[0]}", mistake[1]))
    return parameters, problems


def probe_points(space: Sequence[SearchParameter]) -> list[list[str]]:
    """Return points that together have each probe value of each parameter; the other parameters have their first."""
    first = [f"{parameter.key}={parameter.probe_values[0]}" for parameter in space]
    varied = [
        [*first[:i], f"{parameter.key}={value}", *first[i + 1 :]]
        for i, parameter in enumerate(space)
        for value in parameter.probe_values[1:]
    ]
    return [first, *varied]


def _mistakes(override: Override) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a sweep, and what to do about it."""
    sweep: Any = override.value()
    if not override.is_choice_sweep() and (unknown := sorted(sweep.tags - {"log"})):
        yield f"has the tag {unknown[0]}", "the only tag is log, as in tag(log,interval(1e-4,1e-1))"
    if isinstance(sweep, IntervalSweep):
        low, high = sweep.start, sweep.end
        if low is None or high is None or low > high:
            yield "is empty", "give the lower bound first, as in interval(0,0.5)"
        elif "log" in sweep.tags and low <= 0:
            yield "has a lower bound without a logarithm", "give a bound above 0, or leave tag(log,...) out"
        return
    if (override.is_range_sweep() and sweep.step == 0) or not list(override.sweep_iterator()):
        yield "matches nothing, so there is no job", "widen it; `frostline list` shows the choices"
    elif "log" in sweep.tags and override.is_range_sweep():
        do = "write tag(log,int(interval(1,100))), or leave the tag out"
        yield "is a range, whose numbers are sampled uniformly", do


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
