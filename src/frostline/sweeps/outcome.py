"""How a job ended: a row in the table of its sweep, a word to the user, and the value by which sweepers search."""

from __future__ import annotations

import os
import traceback
from typing import Any

from frostline.config import resolvers
from frostline.config.hydra_job import HydraJob
from frostline.config.jobs import is_main_process
from frostline.console import say
from frostline.errors import FrostlineError
from frostline.results import sweep_log as ledger
from frostline.results.search_storage import Pruned
from frostline.results.summary_table import FAILED, PRUNED, SKIPPED, Row
from frostline.types import Config

DEBUG = "FROSTLINE_DEBUG"
Outcome = dict[str, Any] | Exception  # a job's result, or why it has none


class Skipped(Exception):  # noqa: N818  # no error: the job was not begun
    status = 0


def ended(job: HydraJob, how: str, outcome: Outcome) -> float:
    """Note it in the ledger of its sweep, and tell a failure; the job's value."""
    row = Row(str(job.folder), job.choices, job.overrides, how=how)
    result = outcome if isinstance(outcome, dict) else {}
    if isinstance(outcome, Skipped | Pruned):
        how = SKIPPED if isinstance(outcome, Skipped) else PRUNED
        row = Row(row.folder, job.choices, job.overrides, outcome.status, str(outcome), how)
    elif isinstance(outcome, Exception):
        _tell(outcome)
        row = Row(row.folder, job.choices, job.overrides, getattr(outcome, "status", 1), _reason(outcome), FAILED)
    if is_main_process():
        ledger.note(row, os.environ.get(resolvers.SWEEP), result.get("metrics", {}).get(monitored(job.config)))
    return score(job, result)


def score(job: HydraJob, result: dict[str, Any] | None) -> float:
    """What sweepers compare it by; nan without a result."""
    return float((result or {}).get("metrics", {}).get(monitored(job.config), "nan"))


def monitored(config: Config) -> str:
    """The metric by which the jobs of a sweep are compared."""
    return str(config["trainer"]["monitor"] or "val/f1_macro")


def _tell(error: Exception) -> None:
    """A mistake of the user's, or a failure that we know, in words; anything else, and with --debug all, as it came."""
    known = isinstance(error, FrostlineError)
    if not known or os.environ.get(DEBUG):
        traceback.print_exception(error)
    if known:
        say(error.render() if hasattr(error, "render") else str(error))


def _reason(error: Exception) -> str:
    """In one line, for the table."""
    problems = getattr(error, "problems", None)
    return "; ".join(map(str, problems)) if problems else f"{type(error).__name__}: {error}".splitlines()[0]
