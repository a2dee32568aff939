"""The jobs of a sweep, as far as they are known before it starts."""

from __future__ import annotations

from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from frostline.config import job_list
from frostline.config.choices import chosen_names
from frostline.config.hydra_internals import BASIC_SWEEPER, product
from frostline.config.overrides import Composer, override_value
from frostline.config.search import search as optuna_search
from frostline.config.search.search import Search
from frostline.config.search.space import probe_points
from frostline.config.search_path import CHOSEN_SWEEP, SWEEPS
from frostline.errors import Problem

SWEEPERS = (BASIC_SWEEPER, job_list.SWEEPER, optuna_search.SWEEPER)


def expand_sweep(composer: Composer, lines: list[str]) -> tuple[list[list[str]], Search | None]:
    """Return the overrides of each job of a command with -m; the composer collects the problems.

    A search chooses its trials while it runs. For it, the overrides are those of the points that together show what
    can be wrong with any trial, and the search itself is returned too.
    """
    overrides = composer.parse(lines)
    hydra = [o for o in overrides if o.is_hydra_override()]
    task = [o for o in overrides if not o.is_hydra_override()]
    swept_hydra = [o for o in hydra if o.is_sweep_override()]
    composer.problems += [_override_problem(o, "sweeps over Hydra's config", "give it one value") for o in swept_hydra]
    several = [o for o in task if o.key_or_group == SWEEPS and o.is_sweep_override()]
    composer.problems += [
        _override_problem(o, f"'{override_value(o)}' is more than one sweep", "start one at a time") for o in several
    ]
    plain = [str(o.input_line) for o in overrides if not o.is_sweep_override()]
    cfg = Composer(composer.loader, composer.config_name).compose(plain, RunMode.MULTIRUN)
    composer.problems += _empty_sweep(cfg) if cfg is not None else []
    sweeper = None if cfg is None else OmegaConf.select(cfg, "hydra.sweeper._target_")
    if cfg is None or sweeper not in SWEEPERS:
        return [plain], None  # a sweeper of another kind chooses the jobs while it runs
    task = [o for o in task if o not in several]
    if sweeper == job_list.SWEEPER:
        what = "is a sweep, which a list of jobs cannot have"
        swept = [o for o in task if o.is_sweep_override()]
        composer.problems += [_override_problem(o, f"'{override_value(o)}' {what}", "give it one value") for o in swept]
        return [[*plain, *job] for job in job_list.listed_jobs(composer, cfg)] or [plain], None
    fixed = [str(o.input_line) for o in hydra if o not in swept_hydra]
    given = _sweeper_params(composer, cfg) + task
    known = _with_known_choices(composer, given)
    if sweeper == optuna_search.SWEEPER:
        search, points = _expand_search(composer, cfg, given, known)
        return [fixed + point for point in points], search
    jobs = [fixed + job for job in _grid(composer, known)]
    return jobs or [plain], None  # without a job, the rest of the command is checked all the same


def _expand_search(
    composer: Composer, cfg: DictConfig, given: list[Override], known: list[Override]
) -> tuple[Search | None, list[list[str]]]:
    """Return the search, None where its settings are wrong, and the overrides of the points to check."""
    known = list({o.get_key_element(): o for o in known}.values())  # of several for one key the last counts
    search, parameters, problems = optuna_search.read_search(cfg, known)
    composer.problems += problems
    if not any(o.is_sweep_override() for o in given):
        do = "give a key several values, such as optimizer.lr=tag(log,interval(1e-4,1e-1))"
        composer.problems.append(Problem("hydra/sweeper", "the search space is empty", do))
    unswept = [str(o.input_line) for o in known if not o.is_sweep_override()]
    return search, [unswept + point for point in probe_points(parameters)]


def _empty_sweep(cfg: DictConfig) -> list[Problem]:
    """Return a problem if the yaml of a sweep sets no parameters, so that it would be one job."""
    name = OmegaConf.select(cfg, CHOSEN_SWEEP)
    if name is None or OmegaConf.select(cfg, "hydra.sweeper.params"):
        return []
    do = "set hydra.sweeper.params in it, below `# @package _global_`"
    return [Problem(SWEEPS, f"'{name}' has no values to sweep over, so there is no job", do)]


def _sweeper_params(composer: Composer, cfg: DictConfig) -> list[Override]:
    params = OmegaConf.select(cfg, "hydra.sweeper.params") or {}
    return composer.parse([f"{key}={value}" for key, value in params.items()])


def _with_known_choices(composer: Composer, overrides: list[Override]) -> list[Override]:
    """Leave out sweeps over choices that do not exist, so that each is reported once and not for every job."""
    groups = [o for o in overrides if o.is_sweep_override() and composer.loader.repository.group_exists(o.key_or_group)]
    wrong = [o for o in groups if [name for name in chosen_names(o) if not composer.has_choice(o.key_or_group, name)]]
    return [o for o in overrides if o not in wrong]


def _grid(composer: Composer, overrides: list[Override]) -> list[list[str]]:
    """Return the overrides of each job of a grid."""
    empty = [o for o in overrides if o.is_sweep_override() and o.is_discrete_sweep() and not list(o.sweep_iterator())]
    if empty:
        do = "widen it; `frostline list` shows the choices"
        composer.problems += [
            _override_problem(o, f"'{override_value(o)}' matches nothing, so there is no job", do) for o in empty
        ]
        return []
    try:
        return product(overrides)
    except HydraException:
        finite = [o for o in overrides if not o.is_sweep_override() or o.is_discrete_sweep()]
        do = "list the values, or choose a sweeper that searches intervals (hydra/sweeper=...)"
        composer.problems += [
            _override_problem(o, f"'{override_value(o)}' has infinitely many values", do)
            for o in overrides
            if o not in finite
        ]
        return _grid(composer, finite)


def _override_problem(override: Override, what: str, do: str) -> Problem:
    return Problem(override.key_or_group, what, do)
