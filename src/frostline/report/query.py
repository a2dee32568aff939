"""What is asked of a folder of runs, and whether the runs can answer it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from frostline.errors import Problem, did_you_mean
from frostline.report.read.runs import RunRecord, Value, format_value, names_value

DEFAULT_ROW, DEFAULT_METRIC = "freezing", "test/f1_macro"


@dataclass(frozen=True)
class Query:
    """rows, cols: config keys or groups. where: key -> the values wanted. baseline: key of a row -> its value.
    ceiling: the same of the row with which the gap ends of which shares are told in place of scores.

    per_seed: a row for each seed. texts: compare with the baseline text by text, too.
    """

    rows: Sequence[str] = (DEFAULT_ROW,)
    cols: Sequence[str] = ()
    metrics: Sequence[str] = (DEFAULT_METRIC,)
    where: Mapping[str, Sequence[str]] = field(default_factory=dict)
    baseline: Mapping[str, str] = field(default_factory=dict)
    ceiling: Mapping[str, str] = field(default_factory=dict)
    per_seed: bool = False
    texts: bool = False

    @property
    def row_keys(self) -> tuple[str, ...]:
        return (*self.rows, *(["seed"] if self.per_seed and "seed" not in self.rows else []))

    def wants(self, run: RunRecord) -> bool:
        return all(any(names_value(run.value(key), text) for text in texts) for key, texts in self.where.items())

    def wanted(self, runs: Sequence[RunRecord]) -> dict[str, list[Value]]:
        """The values of `where` in the order in which they were given."""
        found: dict[str, list[Value]] = {}
        for key, texts in self.where.items():
            values = dict.fromkeys(run.value(key) for run in runs)
            found[key] = [value for text in texts for value in values if names_value(value, text)]
        return found

    def problems(self, runs: Sequence[RunRecord]) -> Iterator[Problem]:
        """Of complete runs: keys, values and metrics that none of them has."""
        keys = sorted({key for run in runs for key in (*run.choices, *run.config)})
        for flag, named in (("rows", self.rows), ("cols", self.cols), ("where", self.where)):
            unknown = [key for key in named if key not in keys]
            yield from (Problem(f"--{flag} {key}", "no run has this key", _near(key, keys)) for key in unknown)
        metrics = sorted({name for run in runs for name in run.metrics})
        for name in self.metrics:
            if name not in metrics:
                yield Problem(f"--metric {name}", "no run has this metric", did_you_mean(name, metrics))
        yield from self._unknown_values(runs, keys)
        yield from self._alone()
        for flag, row in (("--baseline", self.baseline), ("--ceiling", self.ceiling)):
            yield from self._unknown_row(flag, row, runs)

    def _unknown_values(self, runs: Sequence[RunRecord], keys: Sequence[str]) -> Iterator[Problem]:
        for key, texts in self.where.items():
            values = list(dict.fromkeys(run.value(key) for run in runs))
            for text in texts if key in keys else ():
                if not any(names_value(value, text) for value in values):
                    do = did_you_mean(text, sorted(map(format_value, values)))
                    yield Problem(f"--where {key}", f"no run has {text}", do)

    def _alone(self) -> Iterator[Problem]:
        """Of what means something beside a baseline alone."""
        for flag, given in (("--texts", self.texts), ("--ceiling", self.ceiling)):
            if given and not self.baseline:
                yield Problem(flag, "compares with nothing", "give --baseline KEY=VALUE too")

    def _unknown_row(self, flag: str, row: Mapping[str, str], runs: Sequence[RunRecord]) -> Iterator[Problem]:
        shown = [run for run in runs if self.wants(run)] or runs
        for key, text in row.items():
            values = list(dict.fromkeys(run.value(key) for run in shown))
            if key not in self.rows:
                yield Problem(f"{flag} {key}", "is no key of the rows", f"give one of: {', '.join(self.rows)}")
            elif not any(names_value(value, text) for value in values):
                do = did_you_mean(text, sorted(map(format_value, values)))
                yield Problem(f"{flag} {key}", f"no row is {text}", do)


def _near(key: str, keys: Sequence[str]) -> str:
    groups = [name for name in keys if "." not in name]
    return did_you_mean(key, keys, f"choose one of {', '.join(groups)}, or a key of theirs such as optimizer.lr")
