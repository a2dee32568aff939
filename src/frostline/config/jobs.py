"""From a command line to its checked jobs, for `frostline` itself, `check` and `plan`.

jobs = checked_jobs(parse_arguments(["freezing=frozen", "seed=2"]))  # raises UserError with every problem
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from frostline.config import resolvers
from frostline.config.arguments import Arguments, parse_arguments
from frostline.config.checks.check import check_config
from frostline.config.checks.launchers import launcher_problems
from frostline.config.checks.run_folders import folder_problems
from frostline.config.checks.signature import forget_sources
from frostline.config.expand import expand_sweep
from frostline.config.fusable import FUSED, fusable_groups
from frostline.config.inputs import local_inputs
from frostline.config.loader import open_loader
from frostline.config.overrides import Composer
from frostline.config.search.search import Search
from frostline.config.search_path import CHOSEN_SWEEP, SWEEPS, make_importable
from frostline.errors import Problem, UserError, one_line
from frostline.results.identity import INPUTS, run_id
from frostline.types import Config


@dataclass(frozen=True)
class Job:
    """One run before it starts.

    Attributes:
        config: the resolved config without the part of Hydra.
        choices: group -> choice.
        overrides: those of the command line that are the job's.
        launcher, sweeper: `_target_` of Hydra's launcher and sweeper.
        search: the search of which the job is one of the points that are checked before the first trial.
    """

    config: Config
    choices: dict[str, str]
    overrides: list[str]
    id: str
    folder: Path
    launcher: str = ""
    sweeper: str = ""
    search: Search | None = None


def jobs_of_command(argv: list[str]) -> list[Job]:
    """Return the checked jobs of a command line: one without -m.

    Raises:
        UserError: with all problems of all jobs.
    """
    return checked_jobs(parse_arguments(argv))


def checked_jobs(arguments: Arguments) -> list[Job]:
    """Return the jobs of a command, or raise UserError with all problems of all jobs."""
    jobs, problems = examine(arguments)
    if problems:
        raise UserError(problems)
    return jobs


def examine(arguments: Arguments) -> tuple[list[Job], list[Problem]]:
    """Return the jobs of a command that could be composed, and the problems of all jobs."""
    composer = new_composer(arguments)
    if arguments.multirun:
        lines, search = expand_sweep(composer, arguments.overrides)
    else:
        lines, search = [composer.parse_single_run(arguments.overrides)], None
    problems: list[Problem] = []
    jobs = [job for i, line in enumerate(lines) for job in _read_job(composer, line, i, arguments.multirun, problems)]
    jobs = [replace(job, search=search) for job in jobs]
    if problems := unique([*composer.problems, *problems]):
        return jobs, problems
    distinct = [*{job.id: job for job in jobs}.values()] if search else jobs  # points of a search may coincide
    return jobs, [*folder_problems(distinct), *_unfused_problems(jobs)]


def compose_jobs(lines: Sequence[list[str]], composer: Composer | None = None) -> tuple[list[Job], list[Problem]]:
    """Return the job of each list of overrides that could be composed, and the problems of all of them.

    Args:
        composer: of earlier calls, so that files are not read again.
    """
    composer = composer or default_composer()
    problems: list[Problem] = []
    jobs = [job for i, line in enumerate(lines) for job in _read_job(composer, line, i, True, problems)]
    return jobs, unique([*composer.problems, *problems])


def default_composer() -> Composer:
    """Return a composer of jobs without a command line."""
    return new_composer(parse_arguments([]))


def check_composition(arguments: Arguments) -> None:
    """Raise UserError if the overrides of a command do not compose; their values are not checked."""
    composer = new_composer(arguments)
    overrides = arguments.overrides
    lines = expand_sweep(composer, overrides)[0] if arguments.multirun else [composer.parse_single_run(overrides)]
    for line in lines:
        composer.compose(line)
    if composer.problems:
        raise UserError(unique(composer.problems), subject="command")


def unique(problems: Sequence[Problem]) -> list[Problem]:
    """Return each problem once, in order."""
    return list(dict.fromkeys(problems))


def new_composer(arguments: Arguments) -> Composer:
    """Return a composer of the folders that a command names."""
    resolvers.forget_reruns()
    forget_sources()
    make_importable(arguments.config_dir)
    return Composer(open_loader(arguments.config_path, arguments.config_dir), arguments.config_name)


def _read_job(
    composer: Composer, lines: list[str], number: int, multirun: bool, problems: list[Problem]
) -> Iterator[Job]:
    """Compose, resolve and check one job; yield it if its config has no problem."""
    cfg = composer.compose(lines, RunMode.RUN)
    if cfg is None:
        return
    if multirun:
        with open_dict(cfg):
            cfg.hydra.job.num = cfg.hydra.job.id = number
    else:
        problems += _sweep_without_multirun(cfg)
    with as_current(cfg):
        config, unresolved = resolvers.resolve_config(cfg)
        keys = {problem.key for problem in unresolved}
        inputs, unreadable = _read_inputs(config)  # before a part is imported for the check
        wrong = unresolved + [problem for problem in check_config(config) if problem.key not in keys]
        wrong += [] if wrong else unreadable
        problems += _launcher_problems(cfg) if multirun and number == 0 else []
        wrong = [p for p in wrong if p.key not in composer.unparsed]
        problems += [p for p in wrong if p.key.split(".")[0] not in composer.unknown_groups]
        if wrong or composer.problems:
            return
        config |= inputs
        try:
            folder = _resolve_folder(cfg, multirun)
        except Exception as error:  # in a hydra.run.dir of the user
            problems.append(Problem("hydra.run.dir", f"cannot be resolved: {error}", "correct it"))
            return
    yield Job(
        config,
        resolvers.choices(cfg),
        [str(line) for line in cfg.hydra.overrides.task],
        run_id(config),
        folder,
        launcher=str(OmegaConf.select(cfg, "hydra.launcher._target_")),
        sweeper=str(OmegaConf.select(cfg, "hydra.sweeper._target_")),
    )


def _read_inputs(config: Config) -> tuple[Config, list[Problem]]:
    """Return the key `inputs` of a config, empty if the run reads nothing local, and what cannot be read."""
    try:
        return {INPUTS: inputs} if (inputs := local_inputs(config)) else {}, []
    except UserError as error:
        return {}, error.problems


def _sweep_without_multirun(cfg: DictConfig) -> list[Problem]:
    """Return a problem if a sweep was chosen without -m, so that none of its jobs would run."""
    name = OmegaConf.select(cfg, CHOSEN_SWEEP)
    return [] if name is None else [Problem(SWEEPS, f"'{name}' is a sweep", "add -m to start its jobs")]


def _launcher_problems(cfg: DictConfig) -> list[Problem]:
    """Return the problems of the launcher, which is the same for all jobs of a sweep."""
    try:
        launcher = OmegaConf.to_container(cfg.hydra.launcher, resolve=True)
    except OmegaConfBaseException as error:
        return [Problem("hydra.launcher", f"cannot be resolved: {one_line(error)}", "correct it")]
    return list(launcher_problems(cast(Config, launcher)))


def _unfused_problems(jobs: Sequence[Job]) -> Iterator[Problem]:
    """Yield a problem if hydra/launcher=fused was chosen for a sweep of which no two jobs can be fused."""
    groups = fusable_groups([job.config for job in jobs]) if any(job.launcher == FUSED for job in jobs) else []
    if groups and all(group.reason for group in groups):
        reasons = "; ".join(dict.fromkeys(str(group.reason) for group in groups))
        what = f"'fused', but no two jobs can be trained together: {reasons}"
        yield Problem("hydra/launcher", what, "leave it out, or sweep over parts above a frozen encoder")


def _resolve_folder(cfg: DictConfig, multirun: bool) -> Path:
    if not multirun:
        return Path(str(OmegaConf.select(cfg, "hydra.run.dir")))
    return Path(str(OmegaConf.select(cfg, "hydra.sweep.dir"))) / str(OmegaConf.select(cfg, "hydra.sweep.subdir"))


@contextmanager
def as_current(cfg: DictConfig) -> Iterator[None]:
    """Make `cfg` the config to which ${hydra:...} refers."""
    before: Any = HydraConfig.instance().cfg
    HydraConfig.instance().cfg = cfg  # type: ignore[assignment]  # set_config would copy it, which is slow
    try:
        yield
    finally:
        HydraConfig.instance().cfg = before
