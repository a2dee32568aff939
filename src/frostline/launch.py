"""A run or a sweep: checked as a whole, then handed to Hydra, whose jobs end in `train.run`."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import hydra
import hydra._internal.hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from frostline import estimate, ranks
from frostline.compose import completion, helping, resolvers, search
from frostline.compose.arguments import Arguments
from frostline.compose.command import Job, checked, composable, is_main_process
from frostline.compose.fusing import groups
from frostline.compose.loader import Loader
from frostline.errors import FrostlineError, Problem, UserError
from frostline.progress import say
from frostline.store.folder import RunFolder
from frostline.store.summary import Row, table
from frostline.types import Config

DEBUG = "FROSTLINE_DEBUG"
QUIET = ["hydra.output_subdir=null"]  # of the ranks that torchrun starts, the first writes for all
resolvers.register()  # here, because a launcher's worker imports this module for `task` and nothing else
Outcome = dict[str, Any] | Exception
_rows: list[Row] = []


def launch(arguments: Arguments) -> int:
    """Check, run, and print the table. The exit status: 1 if any job failed, a user error's own for a single run."""
    if arguments.multirun and ranks.outside():
        do = "start it by itself: each of its jobs starts ranks of its own"
        raise UserError(Problem("--multirun", "one group of ranks cannot do a sweep, whose jobs end it", do), "command")
    search.register()
    _rows.clear()
    for name in (resolvers.SWEEP, estimate.JOBS):
        os.environ.pop(name, None)
    os.environ[DEBUG] = "1" if arguments.debug else ""
    jobs = checked(arguments) if is_main_process() else []
    sweep = _sweep_folder(jobs[0]) if arguments.multirun and jobs else None
    _run_hydra([*arguments.argv, *(_env_set(sweep, jobs) if sweep else []), *([] if is_main_process() else QUIET)])
    if not is_main_process():
        return 0
    rows = _in_order([Row(**json.loads(line)) for line in _lines(sweep)], jobs) if sweep else list(_rows)
    status = _status(rows, arguments.multirun)
    if arguments.multirun or not status:
        print(table(rows))
    return status


def show(arguments: Arguments) -> int:
    """Hydra's own flags that print something and run nothing."""
    search.register()
    if arguments.shows == "shell_completion":
        if completion.LINE in os.environ and not completion.complete():
            return 0
    elif arguments.overrides:
        composable(arguments)
    if arguments.shows == "help":
        print(helping.text(arguments))
    else:
        _run_hydra(arguments.argv)
    return 0


def _run_hydra(argv: list[str]) -> None:
    application: Any = hydra._internal.hydra
    before = sys.argv, application.ConfigLoaderImpl
    sys.argv, application.ConfigLoaderImpl = [before[0][0], *argv], Loader  # Hydra takes no other way to give them
    try:
        decorate = hydra.main(str(search.conf_folder()), "config", search.VERSION_BASE)
        decorate(task)()
    finally:
        sys.argv, application.ConfigLoaderImpl = before


@dataclass(frozen=True)
class Described:
    """One job, as Hydra hands it over."""

    config: Config
    choices: dict[str, str]
    overrides: list[str]
    folder: Path


def describe(cfg: DictConfig) -> Described:
    """What Hydra says of the job that it is about to do."""
    current = HydraConfig.get()
    config = cast(Config, OmegaConf.to_container(cfg, resolve=True))
    choices = resolvers.choices(OmegaConf.create({"hydra": {"runtime": {"choices": current.runtime.choices}}}))
    overrides = [str(line) for line in current.overrides.task]
    return Described(config, choices, overrides, Path(current.runtime.output_dir))


def task(cfg: DictConfig) -> float:
    """One job. Its value is the monitored score, for sweepers that search; a failure is recorded and ends no sweep."""
    job, current = describe(cfg), HydraConfig.get()
    if not OmegaConf.is_missing(current.job, "num") and is_main_process():
        say(f"job {current.job.num}: {' '.join(job.overrides)}")
    return _ended(job, _done(job))


def together(jobs: Sequence[Described]) -> list[float]:
    """Several jobs, those that can be trained together in one go; their values in order."""
    values: dict[int, float] = {}
    begun = [i for i, job in enumerate(jobs) if RunFolder(job.folder).resume_point.exists()]
    for group in groups([job.config for job in jobs], begun):
        say(str(group))
        own = [jobs[place] for place in group.places]
        for place, job, outcome in zip(group.places, own, map(_done, own) if group.why else _fused(own), strict=True):
            values[place] = _ended(job, outcome)
    return [values[place] for place in range(len(jobs))]


def _fused(jobs: Sequence[Described]) -> Iterable[Outcome]:
    from frostline.fused.task import Task
    from frostline.fused.together import train

    try:
        return train([Task.of(job.config, job.choices, job.overrides, job.folder) for job in jobs])
    except Exception as error:  # of what they share
        return [error] * len(jobs)


def _done(job: Described) -> Outcome:
    try:
        from frostline.train import run

        return run(job.config, job.choices, job.overrides, job.folder)
    except Exception as error:
        return error


def _ended(job: Described, outcome: Outcome) -> float:
    row = Row(str(job.folder), job.choices, job.overrides)
    result = outcome if isinstance(outcome, dict) else {}
    if isinstance(outcome, Exception):
        _tell(outcome)
        row = Row(str(job.folder), job.choices, job.overrides, getattr(outcome, "status", 1), _reason(outcome))
    _record(row)
    return float(result.get("metrics", {}).get(job.config["trainer"]["monitor"] or "val/f1_macro", "nan"))


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


def _in_order(rows: list[Row], jobs: list[Job]) -> list[Row]:
    """As they were asked for: a launcher may end them in another order."""
    places = {str(job.folder.absolute()): i for i, job in reversed(list(enumerate(jobs)))}
    return sorted(rows, key=lambda row: places.get(row.folder, len(jobs)))


def _sweep_folder(job: Job) -> Path:
    """Where the sweep as a whole keeps multirun.yaml and the list of its jobs."""
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S") + f"-{os.getpid()}"
    return (job.folder.parent / ".sweeps" / stamp).absolute()


def _env_set(sweep: Path, jobs: list[Job]) -> list[str]:
    escaped = str(sweep).replace("\\", "\\\\").replace("'", "\\'")
    read = {json.dumps([job.config["encoder"], job.config["dataset"]], sort_keys=True) for job in jobs}
    shared = f"'{len(jobs) // len(read)}'"  # on average
    set_to = {resolvers.SWEEP: f"'{escaped}'", estimate.JOBS: shared}
    return [f"++hydra.job.env_set.{name}={value}" for name, value in set_to.items()]


def _lines(sweep: Path) -> list[str]:
    file = sweep / "jobs.jsonl"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _record(row: Row) -> None:
    """Jobs may be other processes on other machines: appending a line is all that they have in common."""
    if not is_main_process():
        return
    if not (sweep := os.environ.get(resolvers.SWEEP)):
        _rows.append(row)
        return
    Path(sweep).mkdir(parents=True, exist_ok=True)
    with (Path(sweep) / "jobs.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row.__dict__) + "\n")


def _status(rows: list[Row], multirun: bool) -> int:
    failed = [row.status for row in rows if row.status]
    if not rows:
        return 1
    return (1 if multirun else failed[0]) if failed else 0
