"""The trials of a search. Their state is in Optuna's storage, so that the same command continues a search.

The values of a trial follow from the seed, its number and the trials before it: a search that was killed samples what
it would have sampled. Trials are given to the launcher `n_jobs` at a time, always in the same batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from frostline.config.search.problems import KEY
from frostline.config.search.search import Search
from frostline.console import log
from frostline.errors import user_error
from frostline.results.atomic_files import read_json
from frostline.results.search_storage import TRIAL, PrunableTrial, TrialStorage, make_optuna
from frostline.results.summary_table import COMPLETE, FAILED, PRUNED, RESUMED, SKIPPED, TRAINED, Row
from frostline.results.sweep_log import finished_rows, log_finished
from frostline.session import Session
from frostline.sweeps.pareto import describe_best, objective_values

ROW = "row"  # the user attribute of a trial that holds its row of the table
Launch = Callable[[Sequence[Sequence[str]], int], object]


@contextmanager
def open_search(state: Session, search: Search, first: str, sweep: Path) -> Iterator[Trials]:
    """Lock a search and put its trials into the session, where Hydra's sweeper finds them.

    first: the id of the run at the first point of the space. sweep: the sweep's folder.

    Raises:
        UserError: another process runs it, or the storage cannot be read or has another search under this name.
    """
    storage = search.storage(first, sweep.parent.parent)
    folder = Path(storage.storage).parent if storage.is_file else sweep.parent.parent / ".optuna"
    with storage.locked(folder / f"{storage.name}.held"):
        storage.repair()
        study = _load_or_create_study(search, storage, search.content(first))
        state.search = Trials(state, search, storage, study, sweep)
        try:
            yield state.search
        finally:
            state.search = None


@dataclass(frozen=True)
class SampledTrial:
    """A trial with its values: `chosen`, the overrides that were sampled, and `overrides`, all of its job."""

    number: int
    chosen: list[str]
    overrides: tuple[str, ...]


class Trials:
    """All trials of a search. Optuna gets the outcome of each, and each keeps its row of the table."""

    def __init__(self, state: Session, search: Search, storage: TrialStorage, study: Any, sweep: Path) -> None:
        self.state, self.search, self.storage, self.study, self.sweep = state, search, storage, study, sweep

    def run(self, launch: Launch) -> None:
        """Run the trials that are left."""
        self._log_earlier_trials()
        if self.search.pruner and self.search.fused:
            log("hydra.sweeper.pruner: jobs that are trained together run to their end, so no trial is pruned")
        while (batch := self._next_batch()) and not self.state.interrupted:
            done = self._finished_rows()
            new = dict.fromkeys(trial.overrides for trial in batch if trial.overrides not in done)
            first = {trial.overrides: trial for trial in reversed(batch)}
            if new:
                launch([[*overrides, *self._env_set(first[overrides])] for overrides in new], batch[0].number)
            if not self._record_batch(batch):
                return

    @property
    def folders(self) -> list[str]:
        """The folders of finished runs in the order of their trials."""
        return [row.folder for row in map(_row_of, self._trials()) if row is not None]

    @property
    def left(self) -> int:
        """The number of trials that are not finished."""
        wanted = self.search.settings.n_trials
        return wanted - len([trial for trial in self._trials()[:wanted] if trial.state.is_finished()])

    def summary(self) -> str:
        """Return the best trials, and how many are left."""
        total = self.search.settings.n_trials
        left = f"{self.left} of {total} trials are left; the same command continues the search"
        return "\n".join([describe_best(self.study, self.search), *([left] if self.left else [])])

    def _trials(self) -> list[Any]:
        trials: list[Any] = self.study.get_trials(deepcopy=False)
        return trials

    def _next_batch(self) -> list[SampledTrial]:
        """Return the next trials, first those that were running when the search was killed."""
        trials, settings = self._trials(), self.search.settings
        unfinished = [trial.number for trial in trials if not trial.state.is_finished()]
        end = min(settings.n_trials, ((unfinished or [len(trials)])[0] // settings.n_jobs + 1) * settings.n_jobs)
        numbers = [number for number in unfinished if number < end] + list(range(len(trials), end))
        return [self._sample(number) for number in numbers]

    def _sample(self, number: int) -> SampledTrial:
        """Return trial `number`, after sampling the values that it lacks."""
        import optuna

        trials = self._trials()
        values = dict(trials[number].params) if number < len(trials) else {}
        if missing := [parameter for parameter in self.search.space if parameter.key not in values]:
            self.study.sampler = self.search.sampler(number)
            trial = self.study.ask() if number == len(trials) else optuna.Trial(self.study, trials[number]._trial_id)
            _ = trial.relative_params  # are sampled jointly, before those that are sampled one by one
            for parameter in missing:
                self.study.sampler = self.search.sampler(number, parameter.key)
                values[parameter.key] = parameter.suggest(trial)
        chosen = [parameter.override(values[parameter.key]) for parameter in self.search.space]
        return SampledTrial(number, chosen, (*self.search.fixed, *chosen))

    def _env_set(self, trial: SampledTrial) -> list[str]:
        """Return the override that names a job's trial to it, where the search prunes."""
        if not self.search.pruner:
            return []
        [metric] = self.search.objectives
        storage = self.storage
        content = PrunableTrial(storage.storage, storage.name, trial.number, metric, self.search.pruner).to_json()
        escaped = content.replace("\\", "\\\\").replace("'", "\\'")
        return [f"++hydra.job.env_set.{TRIAL}='{escaped}'"]

    def _finished_rows(self) -> dict[tuple[str, ...], Row]:
        """Return the rows of the jobs that this command has finished, by their overrides."""
        return {tuple(row.overrides): row for row in finished_rows(self.sweep) if row.how != SKIPPED}

    def _log_earlier_trials(self) -> None:
        """Add the trials of earlier commands to the sweep's log."""
        for row in {row.folder: row for row in map(_row_of, self._trials()) if row is not None}.values():
            log_finished(replace(row, how=COMPLETE) if row.how in (TRAINED, RESUMED) else row, str(self.sweep))

    def _record_batch(self, batch: Sequence[SampledTrial]) -> bool:
        """Give Optuna the outcome of finished trials. Return False where one has not started and the search stops."""
        rows = self._finished_rows()
        finished = [trial for trial in batch if trial.overrides in rows]
        for trial in finished:
            self._record_trial(trial, rows[trial.overrides])
        return len(finished) == len(batch)

    def _record_trial(self, sampled: SampledTrial, row: Row) -> None:
        from optuna.trial import TrialState

        trial = self._trials()[sampled.number]
        self.study._storage.set_trial_user_attr(trial._trial_id, ROW, asdict(row))
        values = self._objectives(row)
        if row.how == PRUNED:
            self.study.tell(sampled.number, state=TrialState.PRUNED)
        elif values is None:
            self.study.tell(sampled.number, state=TrialState.FAIL)
        else:
            self.study.tell(sampled.number, values)

    def _objectives(self, row: Row) -> list[float] | None:
        """Return the objectives of a job; None where it failed or one of them is missing."""
        file = Path(row.folder) / "result.json"
        if row.how == FAILED or not file.exists():
            return None
        return objective_values(read_json(file), self.search.objectives)


def _load_or_create_study(search: Search, storage: TrialStorage, content: str) -> Any:
    import optuna

    directions: list[Any] = list(search.directions)
    try:
        study = optuna.create_study(
            storage=storage.connect(),
            study_name=storage.name,
            directions=directions,
            load_if_exists=True,
            pruner=make_optuna("pruner", search.pruner) if search.pruner else None,
        )
        if study.user_attrs.get("content") is None and not study.trials:
            study.set_user_attr("content", content)
    except Exception as error:
        what = f"'{storage.storage}' cannot be used ({type(error).__name__}: {str(error).splitlines()[0]})"
        raise user_error(f"{KEY}.storage", what, "name another file, or leave it null") from error
    if study.user_attrs.get("content") != content:
        what = f"'{storage.name}' was another search, with other keys, values or objectives"
        raise user_error(f"{KEY}.study_name", what, "give another, or leave it null")
    return study


def _row_of(trial: Any) -> Row | None:
    """Return the row of a finished trial; None where it is not finished or another program has added it."""
    content = trial.user_attrs.get(ROW) if trial.state.is_finished() else None
    return None if content is None else Row(**content)
