"""The outcome of a job: a row in the log of its sweep, a message, and the value that a sweeper optimises."""

from __future__ import annotations

import os
import traceback
from typing import Any

from frostline import session
from frostline.config import resolvers
from frostline.config.hydra_job import HydraJob
from frostline.console import log
from frostline.distributed.ranks import is_main_process
from frostline.errors import FrostlineError
from frostline.results.metric_names import DEFAULT_MONITOR
from frostline.results.search_storage import Pruned
from frostline.results.summary_table import FAILED, PRUNED, SKIPPED, Row
from frostline.results.sweep_log import log_finished
from frostline.types import Config

DEBUG = "FROSTLINE_DEBUG"
Outcome = dict[str, Any] | Exception  # the result of a job, or the reason why it has none


class Skipped(Exception):  # noqa: N818  # no error: the job has not started
    status = 0


def record_outcome(job: HydraJob, how: str, outcome: Outcome) -> float:
    """Add a job to the log of its sweep, print its error if it failed, and return its monitored metric.

    how: the outcome of a job that has a result, such as TRAINED. The session takes the error of a single run.
    """
    sweep = os.environ.get(resolvers.SWEEP)
    if isinstance(outcome, Exception):
        row = _row_without_result(job, outcome)
        if sweep is None:
            session.current().error = outcome
        elif row.how == FAILED:
            print_error(outcome)
    else:
        row = Row(str(job.folder), job.choices, job.overrides, how=how)
    result = outcome if isinstance(outcome, dict) else {}
    if is_main_process():
        value = result.get("metrics", {}).get(monitored_metric(job.config))
        log_finished(row, sweep, value)
    return job_score(job, result)


def job_score(job: HydraJob, result: dict[str, Any] | None) -> float:
    """Return the job's value of the monitored metric; nan without a result."""
    return float((result or {}).get("metrics", {}).get(monitored_metric(job.config), "nan"))


def monitored_metric(config: Config) -> str:
    """Return the name of the metric that ranks the jobs of a sweep."""
    return str(config["trainer"]["monitor"] or DEFAULT_MONITOR)


def _row_without_result(job: HydraJob, reason: Exception) -> Row:
    if isinstance(reason, Skipped | Pruned):
        how = SKIPPED if isinstance(reason, Skipped) else PRUNED
        return Row(str(job.folder), job.choices, job.overrides, reason.status, str(reason), how)
    status = getattr(reason, "status", 1)
    return Row(str(job.folder), job.choices, job.overrides, status, _one_line(reason), FAILED)


def print_error(error: Exception) -> None:
    """Print the message of an error of ours; with --debug, and for any other error, the traceback."""
    is_ours = isinstance(error, FrostlineError)
    if not is_ours or os.environ.get(DEBUG):
        traceback.print_exception(error)
    if is_ours:
        log(error.render() if hasattr(error, "render") else str(error))


def _one_line(error: Exception) -> str:
    """Return the message of an error on one line, for the table."""
    problems = getattr(error, "problems", None)
    return "; ".join(map(str, problems)) if problems else f"{type(error).__name__}: {error}".splitlines()[0]
