"""The jobs of a command, as far as they can be known before it starts."""

from __future__ import annotations

from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from frostline.config import job_list as listed
from frostline.config.choices import named
from frostline.config.hydra_internals import BASIC_SWEEPER, product
from frostline.config.overrides import Composer
from frostline.config.search import search as searching
from frostline.config.search import space
from frostline.config.search.search import Search
from frostline.config.search_path import SWEEPS
from frostline.errors import Problem

CHOSEN = f"hydra.runtime.choices.{SWEEPS}"


def expand(composer: Composer, lines: list[str], multirun: bool) -> tuple[list[list[str]], Search | None]:
    """The overrides of each job, and of a search those of the points that show what can be wrong with it.

    What is wrong is noted by the composer.
    """
    if not multirun:
        return [_without_sweeps(composer, lines)], None
    overrides = composer.parse(lines)
    hydra = [o for o in overrides if o.is_hydra_override()]
    task = [o for o in overrides if not o.is_hydra_override()]
    illegal = [o for o in hydra if o.is_sweep_override()]
    composer.problems += [_told(o, "sweeps over Hydra's own config", "give it one value") for o in illegal]
    several = [o for o in task if o.key_or_group == SWEEPS and o.is_sweep_override()]
    composer.problems += [_told(o, f"'{_value(o)}' is more than one sweep", "start one at a time") for o in several]
    plain = [str(o.input_line) for o in overrides if not o.is_sweep_override()]
    master = Composer(composer.loader, composer.config_name)
    cfg = master.compose(plain, RunMode.MULTIRUN)
    fixed = [str(o.input_line) for o in hydra if o not in illegal]
    composer.problems += _empty(cfg) if cfg is not None else []
    sweeper = None if cfg is None else OmegaConf.select(cfg, "hydra.sweeper._target_")
    if cfg is None or sweeper not in (BASIC_SWEEPER, listed.SWEEPER, searching.SWEEPER):
        return [plain], None  # a sweeper of another kind chooses as it goes
    if sweeper == listed.SWEEPER:
        swept, do = [o for o in task if o.is_sweep_override() and o not in several], "give it one value"
        composer.problems += [_told(o, f"'{_value(o)}' is swept beside a list of jobs", do) for o in swept]
        return [[*plain, *job] for job in listed.jobs(composer, cfg)] or [plain], None
    task = [o for o in task if o not in several]
    given = _params(composer, cfg) + task
    swept = _known(composer, given)
    if sweeper == searching.SWEEPER:
        search, points = _searched(composer, cfg, given, swept)
        return [fixed + point for point in points], search
    jobs = [fixed + job for job in _product(composer, swept)]
    return jobs or [plain], None  # no job: the rest is looked at all the same


def _searched(
    composer: Composer, cfg: DictConfig, given: list[Override], known: list[Override]
) -> tuple[Search | None, list[list[str]]]:
    """A search, None where it is not clear, and the overrides of the points to look at."""
    known = list({o.get_key_element(): o for o in known}.values())  # of a key given twice the last holds
    search, among, problems = searching.of(cfg, known)
    composer.problems += problems
    if not any(o.is_sweep_override() for o in given):
        do = "give a key what it may be, such as optimizer.lr=tag(log,interval(1e-4,1e-1))"
        composer.problems.append(Problem("hydra/sweeper", "there is nothing to search among", do))
    unswept = [str(o.input_line) for o in known if not o.is_sweep_override()]
    return search, [unswept + point for point in space.probes(among)]


def _without_sweeps(composer: Composer, lines: list[str]) -> list[str]:
    parsed = composer.parse(lines)
    swept = [o for o in parsed if o.is_sweep_override()]
    do = "add -m to sweep over it, or write [a,b] for a list"
    composer.problems += [_told(o, f"'{_value(o)}' is a sweep", do) for o in swept]
    return [str(o.input_line) for o in parsed if not o.is_sweep_override()]


def alone(cfg: DictConfig) -> list[Problem]:
    """A study's sweep that was asked for as a single run would be a run of none of its arms."""
    name = OmegaConf.select(cfg, CHOSEN)
    return [] if name is None else [Problem(SWEEPS, f"'{name}' is a sweep", "add -m to start its jobs")]


def _empty(cfg: DictConfig) -> list[Problem]:
    """A study's sweep that does not say what is swept would be one job."""
    name = OmegaConf.select(cfg, CHOSEN)
    if name is None or OmegaConf.select(cfg, "hydra.sweeper.params"):
        return []
    do = "set in it hydra.sweeper.params, below `# @package _global_`"
    return [Problem(SWEEPS, f"'{name}' does not say what is swept, so there is no job", do)]


def _params(composer: Composer, cfg: DictConfig) -> list[Override]:
    params = OmegaConf.select(cfg, "hydra.sweeper.params") or {}
    return composer.parse([f"{key}={value}" for key, value in params.items()])


def _known(composer: Composer, overrides: list[Override]) -> list[Override]:
    """Less the sweeps over choices that are not there, so that each is told once and not once a job."""
    groups = [o for o in overrides if o.is_sweep_override() and composer.loader.repository.group_exists(o.key_or_group)]
    wrong = [o for o in groups if [name for name in named(o) if not composer.knows(o.key_or_group, name)]]
    return [o for o in overrides if o not in wrong]


def _product(composer: Composer, overrides: list[Override]) -> list[list[str]]:
    empty = [o for o in overrides if o.is_sweep_override() and o.is_discrete_sweep() and not list(o.sweep_iterator())]
    if empty:
        do = "widen it; `frostline list` shows the choices"
        composer.problems += [_told(o, f"'{_value(o)}' matches nothing, so there is no job", do) for o in empty]
        return []
    try:
        return product(overrides)
    except HydraException:
        rest = [o for o in overrides if not o.is_sweep_override() or o.is_discrete_sweep()]
        do = "list the values, or choose a sweeper that knows intervals (hydra/sweeper=...)"
        composer.problems += [_told(o, f"'{_value(o)}' has no end of values", do) for o in overrides if o not in rest]
        return _product(composer, rest)


def _told(override: Override, what: str, do: str) -> Problem:
    return Problem(override.key_or_group, what, do)


def _value(override: Override) -> str:
    return str(override.input_line).partition("=")[2]
