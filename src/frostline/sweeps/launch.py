"""A run or a sweep: checked as a whole, then handed to Hydra, which hands its jobs back (`jobs`)."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from frostline.cache import estimate
from frostline.config import completion, resolvers
from frostline.config import help as helping
from frostline.config import job_list as listed
from frostline.config import search_path as search
from frostline.config.arguments import Arguments
from frostline.config.hydra_internals import BASIC_SWEEPER, run_application
from frostline.config.jobs import Job, check_composition, checked_jobs, is_main_process
from frostline.config.loader import VERSION_BASE, ConfigLoader, register
from frostline.distributed import launcher as ranks
from frostline.errors import Problem, UserError
from frostline.results import sweep_log as ledger
from frostline.results.environment import COMMAND
from frostline.results.search_storage import TRIAL
from frostline.results.summary_table import Row, table
from frostline.sweeps import interrupt as stopping
from frostline.sweeps import trials
from frostline.sweeps.execute import task
from frostline.sweeps.monitor import watched
from frostline.sweeps.outcome import DEBUG, monitored

INTERRUPTED = 130  # as shells have it
QUIET = ["hydra.output_subdir=null"]  # of the ranks that torchrun starts, the first writes for all


def launch(arguments: Arguments) -> int:
    """Check, run, and print the table. The exit status: 1 if any job failed, a user error's own for a single run."""
    if arguments.multirun and ranks.outside():
        do = "start it by itself: each of its jobs starts ranks of its own"
        raise UserError(Problem("--multirun", "one group of ranks cannot do a sweep, whose jobs end it", do), "command")
    register()
    ledger.here.clear()
    stopping.forget()
    for name in (resolvers.SWEEP, estimate.JOBS, TRIAL):
        os.environ.pop(name, None)
    os.environ[DEBUG] = "1" if arguments.debug else ""
    jobs = checked_jobs(arguments) if is_main_process() else []
    sweep = _sweep_folder(jobs[0]) if arguments.multirun and jobs else None
    more = [*(_env_set(sweep, jobs) if sweep else []), *([] if is_main_process() else QUIET)]
    found: trials.Trials | None = None
    with ExitStack() as held:
        if sweep:
            held.enter_context(_sweeping(sweep, jobs))
        if sweep and jobs[0].search:
            found = held.enter_context(trials.opened(jobs[0].search, jobs[0].id, sweep))
        _run_hydra([*arguments.argv, *more])
    if not is_main_process():
        return 0
    order = found.folders if found else [str(job.folder.absolute()) for job in jobs]
    rows = _in_order(ledger.rows(sweep), order) if sweep else list(ledger.here)
    status = _status(rows, arguments.multirun) or int(found is not None and found.left > 0)
    if arguments.multirun or not status:
        print(table(rows))
    if found:
        print(found.told)
    return status


@contextmanager
def _sweeping(sweep: Path, jobs: list[Job]) -> Iterator[None]:
    ledger.open_sweep(sweep, os.environ.get(COMMAND, ""), _count(jobs), monitored(jobs[0].config))
    with stopping.listening(sweep), watched(sweep):
        yield


def show(arguments: Arguments) -> int:
    """Hydra's own flags that print something and run nothing."""
    register()
    if arguments.shows == "shell_completion":
        if completion.LINE in os.environ and not completion.complete_line():
            return 0
    elif arguments.overrides:
        check_composition(arguments)
    if arguments.shows == "help":
        print(helping.help_text(arguments))
    else:
        _run_hydra(arguments.argv)
    return 0


def _run_hydra(argv: list[str]) -> None:
    run_application(task, argv, ConfigLoader, search.conf_folder(), VERSION_BASE)


def _in_order(rows: list[Row], folders: list[str]) -> list[Row]:
    """As they were asked for: a launcher may end them in another order."""
    places = {folder: i for i, folder in reversed(list(enumerate(folders)))}
    return sorted(rows, key=lambda row: places.get(row.folder, len(folders)))


def _sweep_folder(job: Job) -> Path:
    """Where the sweep as a whole keeps multirun.yaml and the list of its jobs."""
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S") + f"-{os.getpid()}"
    return (job.folder.parent / ".sweeps" / stamp).absolute()


def _count(jobs: list[Job]) -> int | None:
    """Of a search's jobs only the number is known, of another sweeper's not even that."""
    if jobs[0].search:
        return jobs[0].search.settings.n_trials
    return len(jobs) if jobs[0].sweeper in (BASIC_SWEEPER, listed.SWEEPER) else None


def _env_set(sweep: Path, jobs: list[Job]) -> list[str]:
    escaped = str(sweep).replace("\\", "\\\\").replace("'", "\\'")
    read = {json.dumps([job.config["encoder"], job.config["dataset"]], sort_keys=True) for job in jobs}
    shared = f"'{max((_count(jobs) or len(jobs)) // len(read), 1)}'"  # on average
    set_to = {resolvers.SWEEP: f"'{escaped}'", estimate.JOBS: shared}
    return [f"++hydra.job.env_set.{name}={value}" for name, value in set_to.items()]


def _status(rows: list[Row], multirun: bool) -> int:
    failed = [row.status for row in rows if row.status]
    if stopping.asked():
        return INTERRUPTED
    if not rows:
        return 1
    return (1 if multirun else failed[0]) if failed else 0
