"""A search under way: what it has come to is in Optuna's storage, so that the same command goes on with it.

Trial by trial the draw follows from the seed, the trial's number and the trials before: a search that was killed
draws what it would have drawn. Trials are handed to the launcher `n_jobs` at a time, always the same ones together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from frostline.config.search.problems import KEY
from frostline.config.search.search import Search
from frostline.console import say
from frostline.errors import wrong
from frostline.results import sweep_log as ledger
from frostline.results.atomic_files import read_json
from frostline.results.samplers import made
from frostline.results.search_storage import TRIAL, Trial, TrialStorage
from frostline.results.summary_table import COMPLETE, FAILED, PRUNED, RESUMED, SKIPPED, TRAINED, Row
from frostline.sweeps import interrupt as stopping
from frostline.sweeps import pareto as front

ROW = "row"  # what a trial keeps its line of the table under
Launch = Callable[[Sequence[Sequence[str]], int], object]
current: Trials | None = None  # what the sweeper, which Hydra makes, is to do


@contextmanager
def opened(search: Search, first: str, sweep: Path) -> Iterator[Trials]:
    """Hold the search's trials while they are done. first: the id of its first point; sweep: where rows are noted.

    Raises:
        UserError: another process searches there, the storage cannot be read, or holds another search of this name.
    """
    global current
    place = search.storage(first, sweep.parent.parent)
    beside = Path(place.storage).parent if place.is_file else sweep.parent.parent / ".optuna"
    with place.held(beside / f"{place.name}.held"):
        place.mend()
        current = Trials(search, place, _study(search, place, search.content(first)), sweep)
        try:
            yield current
        finally:
            current = None


def _study(search: Search, place: TrialStorage, content: str) -> Any:
    import optuna

    directions: list[Any] = list(search.directions)
    try:
        study = optuna.create_study(
            storage=place.storage_of(),
            study_name=place.name,
            directions=directions,
            load_if_exists=True,
            pruner=made("pruner", search.pruner) if search.pruner else None,
        )
        if study.user_attrs.get("content") is None and not study.trials:
            study.set_user_attr("content", content)
    except Exception as error:
        what = f"'{place.storage}' cannot be used ({type(error).__name__}: {str(error).splitlines()[0]})"
        raise wrong(f"{KEY}.storage", what, "name another file, or leave it null") from error
    if study.user_attrs.get("content") != content:
        what = f"'{place.name}' has been another search: of other keys, values or objectives"
        raise wrong(f"{KEY}.study_name", what, "give another, or leave it null")
    return study


@dataclass(frozen=True)
class Drawn:
    """A trial with its values: their overrides, and those of its whole job."""

    number: int
    chosen: list[str]
    overrides: tuple[str, ...]


class Trials:
    """All trials of a search: those that have ended are told to Optuna, and each keeps its row of the table."""

    def __init__(self, search: Search, place: TrialStorage, study: Any, sweep: Path) -> None:
        self.search, self.place, self.study, self.sweep = search, place, study, sweep

    def _trials(self) -> list[Any]:
        found: list[Any] = self.study.get_trials(deepcopy=False)
        return found

    def run(self, launch: Launch) -> None:
        """Do what is left of them."""
        self._note_ended()
        if self.search.pruner and self.search.fused:
            say("hydra.sweeper.pruner: what is trained together runs to its end, so no trial is pruned")
        while (batch := self._batch()) and not stopping.asked():
            new = dict.fromkeys(drawn.overrides for drawn in batch if drawn.overrides not in self._rows())
            first = {drawn.overrides: drawn for drawn in reversed(batch)}
            if new:
                launch([[*overrides, *self._env_set(first[overrides])] for overrides in new], batch[0].number)
            if not self._tell(batch):
                return

    # What there is to do

    def _batch(self) -> list[Drawn]:
        """The next trials; those that were under way when the search was killed come first."""
        trials, settings = self._trials(), self.search.settings
        open_ = [trial.number for trial in trials if not trial.state.is_finished()]
        end = min(settings.n_trials, ((open_ or [len(trials)])[0] // settings.n_jobs + 1) * settings.n_jobs)
        numbers = [number for number in open_ if number < end] + list(range(len(trials), end))
        return [self._drawn(number) for number in numbers]

    def _drawn(self, number: int) -> Drawn:
        """A trial, with what it lacks of its values drawn."""
        import optuna

        trials = self._trials()
        values = dict(trials[number].params) if number < len(trials) else {}
        if missing := [parameter for parameter in self.search.space if parameter.key not in values]:
            self.study.sampler = self.search.sampler(number)
            trial = self.study.ask() if number == len(trials) else optuna.Trial(self.study, trials[number]._trial_id)
            _ = trial.relative_params  # drawn together, before those that are drawn one by one
            for parameter in missing:
                self.study.sampler = self.search.sampler(number, parameter.key)
                values[parameter.key] = parameter.suggest(trial)
        chosen = [parameter.override(values[parameter.key]) for parameter in self.search.space]
        return Drawn(number, chosen, (*self.search.fixed, *chosen))

    def _env_set(self, drawn: Drawn) -> list[str]:
        """By which a job learns whom to report to."""
        if not self.search.pruner:
            return []
        place, [metric] = self.place, self.search.objectives
        told = Trial(place.storage, place.name, drawn.number, metric, self.search.pruner).told()
        escaped = told.replace("\\", "\\\\").replace("'", "\\'")
        return [f"++hydra.job.env_set.{TRIAL}='{escaped}'"]

    # What has come of it

    def _rows(self) -> dict[tuple[str, ...], Row]:
        """Of the jobs that this attempt has brought to an end."""
        return {tuple(row.overrides): row for row in ledger.rows(self.sweep) if row.how != SKIPPED}

    def _note_ended(self) -> None:
        """Trials of earlier attempts go into the table as they ended."""
        for row in {row.folder: row for row in map(_row, self._trials()) if row is not None}.values():
            ledger.note(replace(row, how=COMPLETE) if row.how in (TRAINED, RESUMED) else row, str(self.sweep))

    def _tell(self, batch: Sequence[Drawn]) -> bool:
        """Tell Optuna how trials have ended; False where one was not begun, and the search is over for now."""
        rows = self._rows()
        ended = [drawn for drawn in batch if drawn.overrides in rows]
        for drawn in ended:
            self._tell_one(drawn, rows[drawn.overrides])
        return len(ended) == len(batch)

    def _tell_one(self, drawn: Drawn, row: Row) -> None:
        from optuna.trial import TrialState

        trial = self._trials()[drawn.number]
        self.study._storage.set_trial_user_attr(trial._trial_id, ROW, asdict(row))
        values = self._values(row)
        if row.how == PRUNED:
            self.study.tell(drawn.number, state=TrialState.PRUNED)
        elif values is None:
            self.study.tell(drawn.number, state=TrialState.FAIL)
        else:
            self.study.tell(drawn.number, values)

    def _values(self, row: Row) -> list[float] | None:
        """The objectives, None where there is one that is no number."""
        file = Path(row.folder) / "result.json"
        if row.how == FAILED or not file.exists():
            return None
        return front.values(read_json(file), self.search.objectives)

    # The end

    @property
    def folders(self) -> list[str]:
        """Of the runs, as they were drawn."""
        return [row.folder for row in map(_row, self._trials()) if row is not None]

    @property
    def left(self) -> int:
        """How many have not come to an end."""
        wanted = self.search.settings.n_trials
        return wanted - len([trial for trial in self._trials()[:wanted] if trial.state.is_finished()])

    @property
    def told(self) -> str:
        """What has been found, and whether that is all."""
        left = f"{self.left} of {self.search.settings.n_trials} trials are left: the same command goes on with them"
        return "\n".join([front.told(self.study, self.search), *([left] if self.left else [])])


def _row(trial: Any) -> Row | None:
    """How a trial has ended; None where it has not, or where another program has put it there."""
    told = trial.user_attrs.get(ROW) if trial.state.is_finished() else None
    return None if told is None else Row(**told)
