"""A run or a sweep: all jobs are checked, then given to Hydra, which calls `execute` for each job."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from frostline import session
from frostline.cache import estimate
from frostline.config import completion, resolvers
from frostline.config import help as helping
from frostline.config import job_list as listed
from frostline.config import search_path as search
from frostline.config.arguments import Arguments
from frostline.config.budgets import unequal_budgets
from frostline.config.checks.encoder import checkpoint_problems
from frostline.config.checks.reused_parts import class_problems_of_heads
from frostline.config.earlier_runs import changed_inputs
from frostline.config.hydra_internals import BASIC_SWEEPER, run_application
from frostline.config.jobs import Job, check_composition, checked_jobs
from frostline.config.loader import VERSION_BASE, ConfigLoader, register
from frostline.console import log
from frostline.data.downloads.package_cache import create_cache_folder
from frostline.distributed.ranks import external_ranks, is_main_process, stray_variables
from frostline.errors import Problem, UserError
from frostline.results.environment import COMMAND
from frostline.results.folder import RunFolder
from frostline.results.search_storage import TRIAL
from frostline.results.summary_table import Row, summary_table
from frostline.results.sweep_log import finished_rows, open_sweep
from frostline.session import Session
from frostline.sweeps.execute import run_hydra_job
from frostline.sweeps.interrupt import handle_interrupt
from frostline.sweeps.monitor import show_progress
from frostline.sweeps.outcome import DEBUG, monitored_metric, print_error
from frostline.sweeps.trials import Trials, open_search

INTERRUPTED = 130  # exit status after Ctrl-C, as in shells
NO_HYDRA_FOLDER = ["hydra.output_subdir=null"]  # on all ranks that torchrun has started but the first


@dataclass(frozen=True)
class Launched:
    """What the jobs of a command have left.

    rows: the outcome of each job, in the order of the jobs. trials: the search, if the command is one. error: why a
    single run failed.
    """

    state: Session
    rows: list[Row]
    multirun: bool
    trials: Trials | None = None

    @property
    def error(self) -> Exception | None:
        return self.state.error

    @property
    def status(self) -> int:
        """The exit status: 1 if a job of a sweep failed, the status of the error for a single run."""
        failed = [row.status for row in self.rows if row.status]
        if self.state.interrupted:
            return INTERRUPTED
        if not self.rows:
            return 1
        unfinished = int(self.trials is not None and self.trials.left > 0)
        return (1 if self.multirun else failed[0]) if failed else unfinished


def launch(arguments: Arguments) -> int:
    """Check and run a command, print its table, and return the exit status."""
    launched = run_command(arguments)
    if launched.error is not None:
        print_error(launched.error)
    if not is_main_process():
        return 0
    if arguments.multirun or not launched.status:
        print(summary_table(launched.rows))
    if launched.trials:
        print(launched.trials.summary())
    return launched.status


def run_command(arguments: Arguments) -> Launched:
    """Check and run a command.

    Raises:
        UserError: with all problems of all jobs, none of which has started.
    """
    _refuse_sweep_on_external_ranks(arguments)
    state = _begin_session(arguments)
    if stray := stray_variables():
        log(
            f"{', '.join(stray)}: ignored; torchrun or srun would set more variables, and this is one process by itself"
        )
    jobs = checked_jobs(arguments) if is_main_process() else []
    _check_models(jobs)
    if jobs:
        create_cache_folder()
    for line in changed_inputs(jobs):
        log(line)
    sweep = _sweep_folder(jobs[0]) if arguments.multirun and jobs else None
    if sweep and not jobs[0].search and (lines := unequal_budgets(jobs)):
        log("\n".join(lines))
    argv = [*arguments.argv, *(_env_set(sweep, jobs) if sweep else []), *_rank_overrides()]
    trials: Trials | None = None
    with ExitStack() as stack:
        if sweep:
            stack.enter_context(_open_sweep(state, sweep, jobs))
        if sweep and jobs[0].search:
            trials = stack.enter_context(open_search(state, jobs[0].search, jobs[0].id, sweep))
        _run_hydra(argv)
    folders = trials.folders if trials else [str(job.folder.absolute()) for job in jobs]
    rows = _in_order(finished_rows(sweep), folders) if sweep else state.rows
    return Launched(state, rows, arguments.multirun, trials)


def show(arguments: Arguments) -> int:
    """Print what one of Hydra's flags asks for, and run nothing."""
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


def _refuse_sweep_on_external_ranks(arguments: Arguments) -> None:
    if arguments.multirun and external_ranks():
        what = "one group of ranks cannot run a sweep, it ends with the first job"
        do = "start the sweep by itself; each of its jobs starts its own ranks"
        raise UserError(Problem("--multirun", what, do), "command")


def _check_models(jobs: list[Job]) -> None:
    """Raise UserError once for incomplete jobs whose encoder cannot be loaded, or whose trained head does not fit."""
    incomplete = [job.config for job in jobs if (RunFolder(job.folder).read_result() or {}).get("id") != job.id]
    problems = checkpoint_problems(incomplete, needs_answer=True)
    if problems := [*problems, *class_problems_of_heads(incomplete)]:
        raise UserError(problems)


def _begin_session(arguments: Arguments) -> Session:
    """Start a session and clear what an earlier command of this process has left in the environment."""
    state = session.begin()
    register()
    for name in (resolvers.SWEEP, estimate.JOBS, TRIAL):
        os.environ.pop(name, None)
    os.environ[DEBUG] = "1" if arguments.debug else ""
    return state


@contextmanager
def _open_sweep(state: Session, sweep: Path, jobs: list[Job]) -> Iterator[None]:
    """Open the log of a sweep, handle Ctrl-C and show the progress."""
    open_sweep(sweep, os.environ.get(COMMAND, ""), _job_count(jobs), monitored_metric(jobs[0].config))
    with handle_interrupt(state, sweep), show_progress(sweep):
        yield


def _run_hydra(argv: list[str]) -> None:
    """Run Hydra's application on `argv`, with our config loader."""
    run_application(run_hydra_job, argv, ConfigLoader, search.conf_folder(), VERSION_BASE)


def _in_order(rows: list[Row], folders: list[str]) -> list[Row]:
    """Return rows in the order in which the jobs were asked for; a launcher may end them in another one."""
    positions = {folder: i for i, folder in reversed(list(enumerate(folders)))}
    return sorted(rows, key=lambda row: positions.get(row.folder, len(folders)))


def _sweep_folder(job: Job) -> Path:
    """Return the folder for multirun.yaml and the log of a new sweep."""
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S") + f"-{os.getpid()}"
    folder = (job.folder.parent / ".sweeps" / stamp).absolute()
    while folder.exists():  # of a sweep that this process has begun in the same second
        folder = folder.with_name(f"{folder.name}-next")
    return folder


def _job_count(jobs: list[Job]) -> int | None:
    """Return the number of jobs of a sweep; None for a sweeper that decides about it as it goes."""
    if jobs[0].search:
        return jobs[0].search.settings.n_trials
    return len(jobs) if jobs[0].sweeper in (BASIC_SWEEPER, listed.SWEEPER) else None


def _env_set(sweep: Path, jobs: list[Job]) -> list[str]:
    """Return overrides that give each job the folder of its sweep, and how many jobs share its frozen states."""
    escaped = str(sweep).replace("\\", "\\\\").replace("'", "\\'")
    inputs = {json.dumps([job.config["encoder"], job.config["dataset"]], sort_keys=True) for job in jobs}
    sharing = f"'{max((_job_count(jobs) or len(jobs)) // len(inputs), 1)}'"  # on average
    variables = {resolvers.SWEEP: f"'{escaped}'", estimate.JOBS: sharing}
    return [f"++hydra.job.env_set.{name}={value}" for name, value in variables.items()]


def _rank_overrides() -> list[str]:
    return [] if is_main_process() else NO_HYDRA_FOLDER
