"""How far a sweep is, read from its ledger: by the command that does it, or from anywhere else that sees the folder."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from frostline.results import sweep_log as ledger
from frostline.results.metric_names import better
from frostline.results.summary_table import FAILED, RESUMED, TRAINED, differing, given, short
from frostline.results.sweep_log import JobFinished, JobStarted, SweepStarted


@dataclass(frozen=True)
class SweepStatus:
    """opened: as it was begun; ended and under_way: its jobs, in order of time; now: seconds since the epoch."""

    opened: SweepStarted
    ended: Sequence[JobFinished]
    under_way: Sequence[JobStarted]
    now: float

    @property
    def waiting(self) -> int | None:
        """Jobs that nobody has begun; None where nobody knows how many there will be."""
        total = self.opened.jobs
        return None if total is None else max(total - len(self.ended) - len(self.under_way), 0)

    @property
    def ranked(self) -> list[JobFinished]:
        """Those that have a value, the best first."""
        valued = [(one.value, one) for one in self.ended if one.value is not None and not math.isnan(one.value)]
        more_is_better = better(self.opened.monitor, 1, 0)
        return [one for _, one in sorted(valued, key=lambda pair: pair[0], reverse=more_is_better)]

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far, of those that there was something to do for; None while none of them has ended."""
        done = sum(one.row.how in (TRAINED, RESUMED, FAILED) for one in self.ended)
        if not done or self.waiting is None:
            return None
        return (self.now - self.opened.at) / done * (self.waiting + len(self.under_way))

    def __str__(self) -> str:
        """`3 of 9 jobs: 2 trained, 1 failed; 1 under way, 5 wait; about 4 s left; best val/f1_macro 0.68 (seed=2)`."""
        total = f" of {self.opened.jobs}" if self.opened.jobs else ""
        counts = Counter(one.row.how for one in self.ended)
        ended = f"{len(self.ended)}{total} jobs" + (": " if counts else "") + _counted(counts.items())
        left = [("under way", len(self.under_way)), ("wait", self.waiting or 0)]
        parts = [ended, _counted((what, count) for what, count in left if count), self._left(), self._best()]
        return "; ".join(filter(None, parts))

    def _best(self) -> str:
        if not self.ranked:
            return ""
        return f"best {self.opened.monitor} {self.ranked[0].value:.3f} ({self.called(self.ranked[0])})"

    def _left(self) -> str:
        seconds = self.seconds_left
        return f"about {lasting(seconds)} left" if seconds else ""

    def called(self, one: JobFinished) -> str:
        """A job by that in which it differs from the others."""
        told = given(one.row)
        return " ".join(f"{key}={short(told[key])}" for key in differing([e.row for e in self.ended]) if key in told)


def standing(sweep: Path, now: float) -> SweepStatus:
    under_way: dict[str, JobStarted] = {}
    ended: dict[str, JobFinished] = {}
    for one in ledger.told(sweep):
        if isinstance(one, JobStarted):
            under_way[one.folder] = one
        else:
            under_way.pop(one.row.folder, None)
            ended[one.row.folder] = one
    return SweepStatus(ledger.opened(sweep), list(ended.values()), list(under_way.values()), now)


def lasting(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"


def _counted(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts)
