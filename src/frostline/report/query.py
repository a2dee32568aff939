"""A query for a report, and whether the runs can answer it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from frostline.errors import Problem, did_you_mean
from frostline.options import pairs
from frostline.report.read.runs import ARM, CHOSEN, RunRecord, Value, format_value, names_value

DEFAULT_ROW, DEFAULT_METRIC = "freezing", "test/f1_macro"


@dataclass(frozen=True)
class Query:
    """What a report shows.

    rows, cols: config keys or groups. where: key -> the accepted values. baseline: key of a row -> its value.
    ceiling: the same for the row at which the gap ends, of which shares are shown instead of scores.
    extra: config keys or groups whose values are shown in a column of their own. per_seed: a row for each
    seed. texts: also compare with the baseline text by text. interval: show 95% intervals.
    """

    rows: Sequence[str] = (DEFAULT_ROW,)
    cols: Sequence[str] = ()
    metrics: Sequence[str] = (DEFAULT_METRIC,)
    where: Mapping[str, Sequence[str]] = field(default_factory=dict)
    baseline: Mapping[str, str] = field(default_factory=dict)
    ceiling: Mapping[str, str] = field(default_factory=dict)
    per_seed: bool = False
    texts: bool = False
    interval: bool = False
    extra: Sequence[str] = ()

    @property
    def row_keys(self) -> tuple[str, ...]:
        return (*self.rows, *(["seed"] if self.per_seed and "seed" not in self.rows else []))

    def selects(self, run: RunRecord) -> bool:
        """Return whether the run has one of the values of each key in `where`."""
        return all(any(names_value(run.value(key), text) for text in texts) for key, texts in self.where.items())

    def order(self, runs: Sequence[RunRecord]) -> dict[str, list[Value]]:
        """Return key -> the values of `where`, in the order in which they were given."""
        by_key: dict[str, list[Value]] = {}
        for key, texts in self.where.items():
            values = dict.fromkeys(run.value(key) for run in runs)
            by_key[key] = [value for text in texts for value in values if names_value(value, text)]
        return by_key

    def find_problems(self, runs: Sequence[RunRecord]) -> Iterator[Problem]:
        """Yield the keys, values and metrics of the query that none of the complete runs has."""
        keys = sorted({key for run in runs for key in (*run.choices, *run.config)})
        for flag, names in (
            ("rows", self.rows),
            ("cols", self.cols),
            ("where", self.where),
            ("extra", self.extra),
        ):
            unknown = [key for key in names if key not in keys]
            yield from (Problem(f"--{flag} {key}", "no run has this key", _suggest_key(key, keys)) for key in unknown)
        metrics = sorted({name for run in runs for name in run.metrics})
        for name in self.metrics:
            if name not in metrics:
                yield Problem(f"--metric {name}", "no run has this metric", did_you_mean(name, metrics))
        yield from self._unknown_values(runs, keys)
        yield from self._missing_baseline()
        for flag, row in (("--baseline", self.baseline), ("--ceiling", self.ceiling)):
            yield from self._unknown_row(flag, row, runs)

    def _unknown_values(self, runs: Sequence[RunRecord], keys: Sequence[str]) -> Iterator[Problem]:
        for key, texts in self.where.items():
            values = list(dict.fromkeys(run.value(key) for run in runs))
            for text in texts if key in keys else ():
                if not any(names_value(value, text) for value in values):
                    remedy = did_you_mean(text, sorted(map(format_value, values)))
                    yield Problem(f"--where {key}", f"no run has {text}", remedy)

    def _missing_baseline(self) -> Iterator[Problem]:
        for flag, given in (("--texts", self.texts), ("--ceiling", self.ceiling)):
            if given and not self.baseline:
                yield Problem(flag, "needs a baseline", "give --baseline KEY=VALUE too")

    def _unknown_row(self, flag: str, row: Mapping[str, str], runs: Sequence[RunRecord]) -> Iterator[Problem]:
        selected = [run for run in runs if self.selects(run)] or runs
        for key, text in row.items():
            values = list(dict.fromkeys(run.value(key) for run in selected))
            if key not in self.rows:
                yield Problem(f"{flag} {key}", "is no key of the rows", f"give one of: {', '.join(self.rows)}")
            elif not any(names_value(value, text) for value in values):
                remedy = did_you_mean(text, sorted(map(format_value, values)))
                yield Problem(f"{flag} {key}", f"no row is {text}", remedy)


def query_of(options: Namespace) -> Query:
    """Return the query of the options of `frostline report` or `frostline figures`."""
    given = {"rows": options.rows, "metrics": options.metric}
    rows = {flag: pairs(getattr(options, flag, [])) for flag in ("baseline", "ceiling")}
    return Query(
        **{name: values for name, values in given.items() if values},
        cols=options.cols,
        where=pairs(options.where),
        baseline={key: values[0] for key, values in rows["baseline"].items()},
        ceiling={key: values[0] for key, values in rows["ceiling"].items()},
        per_seed=getattr(options, "per_seed", False),
        texts=getattr(options, "texts", False),
        interval=getattr(options, "interval", False),
        extra=getattr(options, "extra", []),
    )


def _suggest_key(key: str, keys: Sequence[str]) -> str:
    if key in (ARM, CHOSEN):
        return "it is recorded by frostline reproduce STUDY: run that, or give the results.csv of the study"
    groups = [name for name in keys if "." not in name]
    return did_you_mean(key, keys, f"choose one of {', '.join(groups)}, or a key inside one such as optimizer.lr")
