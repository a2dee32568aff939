"""Runs, sweeps, plans and checks as functions, each with the jobs of the command with the same overrides."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frostline.config.arguments import Arguments, parse_arguments
from frostline.config.jobs import checked_jobs
from frostline.distributed.ranks import external_ranks
from frostline.errors import FrostlineError, Problem, UserError, user_error
from frostline.override_text import Overrides, override_words
from frostline.results.environment import COMMAND
from frostline.results.folder import RunFolder
from frostline.results.result import Result, ResultList
from frostline.results.summary_table import Row, summary_table
from frostline.sweeps.checked_command import CheckedCommand, check_command
from frostline.sweeps.launch import INTERRUPTED, Launched, run_command
from frostline.sweeps.run_plan import RunPlan, plans_of

if TYPE_CHECKING:
    from frostline.training.classifier import Classifier
    from frostline.training.standalone_data import StandaloneDataModule


class SweepError(FrostlineError):
    """Jobs of a sweep have failed. The message is the table of the sweep.

    Attributes:
        results: the results of the jobs that are complete.
    """

    def __init__(self, message: str, results: ResultList) -> None:
        super().__init__(message)
        self.results = results


def run(overrides: Overrides = (), /, **values: Any) -> Result:
    """Do a run, resume it, or return the result of a complete one: that of `frostline` with the same overrides.

    Args:
        overrides: a line such as "freezing=frozen seed=2", a list of such words, or a mapping of keys to values,
            {"freezing": "frozen", "optimizer.lr": 0.01}.
        values: further overrides by key: run(freezing="frozen", seed=2). A mapping sets several keys of a group.

    Raises:
        UserError: the config is wrong; with all its problems.
        FrostlineError: the run has failed; failure.json in its folder has the reason.
    """
    words = override_words(overrides, values)
    launched = _launch(_single_run(words), words)
    if launched.error is not None:
        raise launched.error
    (row,) = launched.rows
    return _read_result(row)


def sweep(overrides: Overrides = (), /, **values: Any) -> ResultList:
    """Do the runs of a sweep, those of `frostline -m` with the same overrides, and return their results.

    A list or a tuple is the values of a sweep: sweep(freezing=["frozen", "full"], seed=[1, 2, 3]). Complete runs are
    not repeated. See `run` for the arguments.

    Raises:
        UserError: the command is wrong; with all problems of all jobs, none of which has started.
        SweepError: jobs have failed; the others have been done.
        KeyboardInterrupt: Ctrl-C was pressed, and the running jobs have finished.
    """
    words = ["-m", *override_words(overrides, values, sweep=True)]
    launched = _launch(parse_arguments(words), words)
    if launched.status == INTERRUPTED:
        raise KeyboardInterrupt(summary_table(launched.rows))
    results = ResultList(_read_result(row) for row in launched.rows if RunFolder(Path(row.folder)).result.exists())
    if launched.status:
        raise SweepError(summary_table(launched.rows), results)
    return results


def plan(overrides: Overrides = (), /, **values: Any) -> RunPlan:
    """Return the plan of a run: which parameters are trained when. It prints as the table of `frostline plan`.

    `write` writes it to a file with rules that can be edited. See `run` for the arguments.

    Raises:
        UserError: the config is wrong, or the strategy does not fit the model.
    """
    (single,) = plans_of(checked_jobs(_single_run(override_words(overrides, values))))
    return single


def check(overrides: Overrides = (), /, **values: Any) -> CheckedCommand:
    """Check a command and return what it would do; with "-m" among the overrides it is a sweep.

    See `run` for the arguments.

    Raises:
        UserError: with all mistakes of the command.
    """
    return check_command(parse_arguments(override_words(overrides, values)))


def build(overrides: Overrides = (), /, **values: Any) -> tuple[Classifier, StandaloneDataModule]:
    """Return the LightningModule and the LightningDataModule of a run, for a Trainer of one's own.

    Trainer(**datamodule.trainer_arguments).fit(module, datamodule=datamodule) does the phases of the plan and gives the
    weights of the run after its last epoch; a run takes those of its best epoch. After `test`, the scores are in
    trainer.callback_metrics. See `run` for the arguments.

    Raises:
        UserError: the config is wrong, or it averages weights, which a run alone does.
    """
    from frostline.training.build import build as build_all
    from frostline.training.standalone_data import StandaloneDataModule

    (job,) = checked_jobs(_single_run(override_words(overrides, values)))
    if (averaging := job.choices["averaging"]) != "none":
        raise user_error("averaging", f"'{averaging}' needs a run, which scores the averages", "use frostline.run")
    built = build_all(job.config)
    return built.classifier, StandaloneDataModule(built, built.config)


def _launch(arguments: Arguments, words: Sequence[str]) -> Launched:
    """Run a command in this process.

    Raises:
        UserError: the command is wrong, or this process is one of several ranks, of which one alone has the result.
        FrostlineError: the launcher or sweeper of a sweep has failed.
    """
    external = external_ranks()
    if external is not None and external.count > 1:
        what = f"this process is one of {external.count} that {external.by} has started"
        raise UserError(Problem("frostline", what, "use the command frostline there"), "command")
    os.environ[COMMAND] = shlex.join(["frostline", *words])
    try:
        return run_command(arguments)
    except SystemExit as error:  # Hydra has printed an exception of a launcher or a sweeper
        raise FrostlineError("the command has ended early; see the messages above") from error


def _single_run(words: list[str]) -> Arguments:
    arguments = parse_arguments(words)
    if arguments.multirun:
        raise UserError(Problem("-m", "starts a sweep", "use frostline.sweep, without -m"), "command")
    return arguments


def _read_result(row: Row) -> Result:
    folder = RunFolder(Path(row.folder))
    record = folder.read_result()
    if record is None:
        raise FrostlineError(f"{folder.path}: the run has no result; see the messages above")
    return Result(folder.path, record, row.how)
