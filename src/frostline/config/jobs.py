"""A command line to its jobs: what `frostline`, `check` and `plan` have in common.

jobs = command.jobs(["freezing=frozen", "seed=2"])      # UserError with every problem of the command
"""

from __future__ import annotations

import os
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
from frostline.config import search_path as search
from frostline.config.arguments import Arguments, parse
from frostline.config.checks.check import check, told_once
from frostline.config.checks.launchers import launcher_problems
from frostline.config.checks.run_folders import folder_problems
from frostline.config.checks.signature import read
from frostline.config.expand import alone, expand
from frostline.config.fusable import FUSED, groups
from frostline.config.overrides import Composer
from frostline.config.resolve import one_line, resolved
from frostline.config.search.search import Search
from frostline.errors import Problem, UserError
from frostline.results.identity import run_id
from frostline.types import Config


@dataclass(frozen=True)
class Job:
    """One run to be: its resolved config less Hydra's, group -> choice, its overrides, its id and its folder.

    launcher, sweeper: the `_target_` of what starts it in a sweep, and of what chose it. search: of which it is one of
    the points that are looked at before the first trial is drawn.
    """

    config: Config
    choices: dict[str, str]
    overrides: list[str]
    id: str
    folder: Path
    launcher: str = ""
    sweeper: str = ""
    search: Search | None = None


def jobs(argv: list[str]) -> list[Job]:
    """The checked jobs of a command line, one where it is no multirun.

    Raises:
        UserError: with all problems of the command, of every job.
    """
    return checked(parse(argv))


def checked(arguments: Arguments) -> list[Job]:
    found, problems = examine(arguments)
    if problems:
        raise UserError(problems)
    return found


def examine(arguments: Arguments) -> tuple[list[Job], list[Problem]]:
    """The jobs and all their problems; jobs that could be composed are there even so."""
    resolvers.forget()
    read.cache_clear()
    composer = _composer(arguments)
    lines, search = expand(composer, arguments.overrides, arguments.multirun)
    problems: list[Problem] = []
    made = [job for i, line in enumerate(lines) for job in _job(composer, line, i, arguments.multirun, problems)]
    found = [replace(job, search=search) for job in made]
    problems = told_once([*composer.problems, *problems])
    apart = [*{job.id: job for job in found}.values()] if search else found  # points that are looked at may coincide
    return found, problems or [*folder_problems(apart), *_unfused(found)]


def each(lines: Sequence[list[str]], composer: Composer | None = None) -> tuple[list[Job], list[Problem]]:
    """The job of each list of overrides, and all their problems; jobs that could be composed are there even so.

    composer: of earlier jobs, which knows what it has read.
    """
    composer = composer or new_composer()
    problems: list[Problem] = []
    found = [job for i, line in enumerate(lines) for job in _job(composer, line, i, True, problems)]
    return found, told_once([*composer.problems, *problems])


def new_composer() -> Composer:
    """One for many jobs of no command."""
    resolvers.forget()
    read.cache_clear()
    return _composer(parse([]))


def _unfused(jobs: Sequence[Job]) -> Iterator[Problem]:
    """A sweep that is to be fused and in which nothing can be."""
    found = groups([job.config for job in jobs]) if any(job.launcher == FUSED for job in jobs) else []
    if found and all(group.why for group in found):
        why = "; ".join(dict.fromkeys(str(group.why) for group in found))
        what = f"'fused', but no two jobs can be trained together: {why}"
        yield Problem("hydra/launcher", what, "leave it out, or sweep over what stands above a frozen encoder")


def composable(arguments: Arguments) -> None:
    """Raises UserError where the overrides do not compose; their values are not looked at."""
    composer = _composer(arguments)
    for line in expand(composer, arguments.overrides, arguments.multirun)[0]:
        composer.compose(line)
    if composer.problems:
        raise UserError(told_once(composer.problems), subject="command")


def _composer(arguments: Arguments) -> Composer:
    search.make_importable(arguments.config_dir)
    return Composer(search.loader(arguments.config_path, arguments.config_dir), arguments.config_name)


def _job(composer: Composer, lines: list[str], number: int, multirun: bool, problems: list[Problem]) -> Iterator[Job]:
    cfg = composer.compose(lines, RunMode.RUN)
    if cfg is None:
        return
    if multirun:
        with open_dict(cfg):
            cfg.hydra.job.num = cfg.hydra.job.id = number
    else:
        problems += alone(cfg)
    with _current(cfg):
        config, unresolved = resolved(cfg)
        told = {problem.key for problem in unresolved}
        bad = unresolved + [problem for problem in check(config) if problem.key not in told]
        problems += _launcher(cfg) if multirun and number == 0 else []
        problems += [p for p in bad if p.key.split(".")[0] not in composer.doubtful]
        if bad or composer.problems:
            return
        try:
            folder = _folder(cfg, multirun)
        except Exception as error:  # the user's own hydra.run.dir
            problems.append(Problem("hydra.run.dir", f"cannot be resolved: {error}", "correct it"))
            return
    task = [str(line) for line in cfg.hydra.overrides.task]
    yield Job(
        config,
        resolvers.choices(cfg),
        task,
        run_id(config),
        folder,
        launcher=str(OmegaConf.select(cfg, "hydra.launcher._target_")),
        sweeper=str(OmegaConf.select(cfg, "hydra.sweeper._target_")),
    )


def _launcher(cfg: DictConfig) -> list[Problem]:
    """It is the same for all jobs of a sweep."""
    try:
        given = OmegaConf.to_container(cfg.hydra.launcher, resolve=True)
    except OmegaConfBaseException as error:
        return [Problem("hydra.launcher", f"cannot be resolved: {one_line(error)}", "correct it")]
    return list(launcher_problems(cast(Config, given)))


def _folder(cfg: DictConfig, multirun: bool) -> Path:
    if not multirun:
        return Path(str(OmegaConf.select(cfg, "hydra.run.dir")))
    return Path(str(OmegaConf.select(cfg, "hydra.sweep.dir"))) / str(OmegaConf.select(cfg, "hydra.sweep.subdir"))


@contextmanager
def _current(cfg: DictConfig) -> Iterator[None]:
    """What ${hydra:...} in a config means."""
    before: Any = HydraConfig.instance().cfg
    HydraConfig.instance().cfg = cfg  # type: ignore[assignment]  # as a copy would, which takes its time
    try:
        yield
    finally:
        HydraConfig.instance().cfg = before


def is_main_process() -> bool:
    """Ranks other than the first neither check, print nor record."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"))
