"""The progress of a sweep, read from its log by its command or by any other that can read its folder."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from frostline.results.metric_names import metric_direction
from frostline.results.summary_table import FAILED, RESUMED, TRAINED, differing_keys, shorten, values_by_key
from frostline.results.sweep_log import JobFinished, JobStarted, SweepStarted, read_events, read_header


@dataclass(frozen=True)
class SweepStatus:
    """The progress of a sweep at one moment: its jobs in order of time. now: seconds since the epoch."""

    header: SweepStarted
    finished: Sequence[JobFinished]
    running: Sequence[JobStarted]
    now: float

    @property
    def waiting(self) -> int | None:
        """The number of jobs that have not started; None where the number of jobs is unknown."""
        total = self.header.jobs
        return None if total is None else max(total - len(self.finished) - len(self.running), 0)

    @property
    def ranked(self) -> list[JobFinished]:
        """The jobs that have a value of the monitored metric, the best first."""
        valued = [(job.value, job) for job in self.finished if job.value is not None and math.isfinite(job.value)]
        highest_first = metric_direction(self.header.monitor) == "maximize"
        return [job for _, job in sorted(valued, key=lambda pair: pair[0], reverse=highest_first)]

    @property
    def seconds_left(self) -> float | None:
        """The time for the rest, extrapolated from the jobs that took time; None before the first of them."""
        done = sum(job.row.how in (TRAINED, RESUMED, FAILED) for job in self.finished)
        if not done or self.waiting is None:
            return None
        return (self.now - self.header.at) / done * (self.waiting + len(self.running))

    def __str__(self) -> str:
        """`3 of 9 jobs: 2 trained, 1 failed; 1 running, 5 waiting; about 4 s left; best val/f1_macro 0.68 (seed=2)`."""
        total = f" of {self.header.jobs}" if self.header.jobs else ""
        outcomes = _comma_separated(Counter(job.row.how for job in self.finished).items())
        finished = f"{len(self.finished)}{total} jobs" + (f": {outcomes}" if outcomes else "")
        rest = _comma_separated([("running", len(self.running)), ("waiting", self.waiting or 0)])
        return "; ".join(filter(None, [finished, rest, self._time_left(), self._best_job()]))

    def label(self, job: JobFinished) -> str:
        """Return the overrides in which a job differs from the others."""
        values = values_by_key(job.row)
        keys = differing_keys([finished.row for finished in self.finished])
        return " ".join(f"{key}={shorten(values[key])}" for key in keys if key in values)

    def _best_job(self) -> str:
        if not self.ranked:
            return ""
        return f"best {self.header.monitor} {self.ranked[0].value:.3f} ({self.label(self.ranked[0])})"

    def _time_left(self) -> str:
        seconds = self.seconds_left
        return f"about {format_seconds(seconds)} left" if seconds else ""


def read_status(sweep: Path, now: float) -> SweepStatus:
    """Return the progress of the sweep with folder `sweep`. now: seconds since the epoch."""
    running: dict[str, JobStarted] = {}
    finished: dict[str, JobFinished] = {}
    for event in read_events(sweep):
        if isinstance(event, JobStarted):
            running[event.folder] = event
        else:
            running.pop(event.row.folder, None)
            finished[event.row.folder] = event
    return SweepStatus(read_header(sweep), list(finished.values()), list(running.values()), now)


def format_seconds(seconds: float) -> str:
    """Return a duration in seconds, minutes or hours."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"


def _comma_separated(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts if count)
