"""`frostline plan`: print which parameters are trained when, from the shapes of the model alone."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from frostline.config import jobs as command
from frostline.config.budgets import unequal_budgets
from frostline.config.fusable import FUSED, fusable_groups
from frostline.errors import user_error
from frostline.options import OptionParser, non_empty
from frostline.report.read.runs import REPEATS
from frostline.report.statistics.few_seeds import few_seeds_note
from frostline.results.sweep_status import format_seconds
from frostline.sweeps.run_plan import check_plan_file, data_notes, plans_of
from frostline.sweeps.time_estimate import RunEstimate, group_seconds

PARSER = OptionParser(
    "plan",
    "Print which parameters are trained when, from the shapes of the model alone.",
    """\
The table has a row for each phase, a column for each block, and the multiplier of optimizer.lr in each cell. Below it
is how much computation the cached states below the frost line save. For a sweep its duration is estimated, and for
a fused sweep the jobs that are trained together are listed.
""",
    usage="[-m] [KEY=VALUE ...] [--write FILE]",
)
PARSER.add_argument("--write", type=non_empty, metavar="FILE", help="write the plan to FILE as rules that you can edit")


def main(argv: list[str]) -> int:
    """Print the plan of each job of the command; the encoder's weights are not loaded.

    Raises:
        UserError: the config is wrong, the strategy does not fit the model, or FILE exists already.
    """
    given, words = PARSER.split(argv)
    jobs = command.jobs_of_command(words)
    file = None if given.write is None else Path(given.write)
    if file is not None:
        _check_one_plan(len(jobs))
        check_plan_file(file)
    plans = plans_of(jobs)
    runs = [plan.estimate for plan in plans]
    jobs_of: dict[str, list[command.Job]] = {}  # by the text of their plan
    for plan in plans:
        jobs_of.setdefault(str(plan), []).append(plan.job)
    for text, same in jobs_of.items():
        print("\n".join([*(" ".join(job.overrides) for job in same if len(jobs) > 1), text]))
    for line in data_notes(plans):
        print(line, file=sys.stderr)
    if file is not None:
        overrides = plans[0].write(file)
        print(f"written to {file}; read it back with: frostline {shlex.join(overrides)}", file=sys.stderr)
    if len(jobs) > 1 and jobs[0].search is None:
        lines = [*_unequal_budgets(jobs, runs), *_time_estimate(jobs, runs), *_seeds_note(jobs)]
        print("\n".join(lines))
    return 0


def _unequal_budgets(jobs: Sequence[command.Job], runs: Sequence[RunEstimate]) -> list[str]:
    planned = [replace(job, config=run.config) for job, run in zip(jobs, runs, strict=True)]
    return unequal_budgets(planned, [run.steps for run in runs])


def _time_estimate(jobs: Sequence[command.Job], runs: Sequence[RunEstimate]) -> Iterator[str]:
    """Yield how long the sweep will take; for a fused sweep also how long each group of jobs will take."""
    fused = any(job.launcher == FUSED for job in jobs)
    fused_groups = fusable_groups([job.config for job in jobs]) if fused else []
    costs = [group_seconds(group, runs) for group in fused_groups] or [run.seconds for run in runs]
    yield from (f"{group}: about {format_seconds(cost)}" for group, cost in zip(fused_groups, costs, strict=False))
    yield f"{len(jobs)} jobs: about {format_seconds(sum(costs))} on two CPU cores, less what is cached already"


def _seeds_note(jobs: Sequence[command.Job]) -> Iterator[str]:
    """Yield what the seeds of a sweep cannot show, if it has several arms to compare."""
    repeats = tuple(f"{key}=" for key in ("seed", *REPEATS))
    seeds_of: dict[tuple[str, ...], set[int]] = {}
    for job in jobs:
        arm = tuple(sorted(one for one in job.overrides if not one.lstrip("+").startswith(repeats)))
        seeds_of.setdefault(arm, set()).add(job.config["seed"])
    note = few_seeds_note(min(map(len, seeds_of.values())), len(seeds_of))
    if note and len(seeds_of) > 1:
        yield note


def _check_one_plan(jobs: int) -> None:
    if jobs > 1:
        raise user_error("--write", f"{jobs} jobs have {jobs} plans", "write one at a time, without -m")
