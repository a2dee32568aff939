"""Where Optuna keeps the trials of a search, and the trial that a run is.

Optuna is imported only when it is used: a run that belongs to no search does not need it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from frostline.errors import user_error

TRIAL = "FROSTLINE_TRIAL"  # set by hydra.job.env_set for the jobs of a search that prunes
OptunaChoice = str | Mapping[str, Any]  # the name of a sampler or pruner, alone or with its arguments
UNSUPPORTED = ("BaseSampler", "GridSampler", "PartialFixedSampler", "PatientPruner", "NopPruner")  # need objects


@dataclass(frozen=True)
class TrialStorage:
    """The trials called `name` in a storage: a file, or the address of a database such as postgresql://…"""

    storage: str
    name: str

    @property
    def is_file(self) -> bool:
        return "://" not in self.storage

    def connect(self) -> Any:
        """Return Optuna's storage. Several processes may use it at the same time."""
        import optuna
        from filelock import FileLock
        from optuna.storages import JournalStorage, get_storage
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        if not self.is_file:
            return get_storage(self.storage)
        lock: Any = FileLock(self.storage + ".lock")  # Optuna's own lock outlives a process that is killed
        return JournalStorage(JournalFileBackend(self.storage, lock))

    @contextmanager
    def locked(self, file: Path) -> Iterator[None]:
        """Lock `file` while a search runs: two processes would sample and run the same trials.

        Raises:
            UserError: another process runs this search, or the folder cannot be written.
        """
        from filelock import FileLock, Timeout

        key, lock = "hydra.sweeper.storage", FileLock(file, timeout=0)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            what = f"another process searches in '{self.storage}'"
            raise user_error(key, what, "wait for it, or give another hydra.sweeper.study_name") from error
        except OSError as error:
            what = f"'{file.parent}' cannot be written ({error.strerror})"
            raise user_error(key, what, "give a file in another folder") from error
        try:
            yield
        finally:
            lock.release()

    def repair(self) -> None:
        """Cut off a last line that a kill has left incomplete. Optuna would read no further."""
        file = Path(self.storage)
        if not self.is_file or not file.exists():
            return
        content = file.read_bytes()
        if content.startswith(b'{"op_code"') and not content.endswith(b"\n"):
            os.truncate(file, content.rfind(b"\n") + 1)


@dataclass(frozen=True)
class PrunableTrial:
    """What a run needs to report to the trial that it is. metric: the objective of the search."""

    storage: str
    name: str
    number: int
    metric: str
    pruner: dict[str, Any]

    @classmethod
    def from_environment(cls) -> PrunableTrial | None:
        """Return the trial that this process runs; None where its job is no trial of a search that prunes."""
        content = os.environ.get(TRIAL)
        return cls(**json.loads(content)) if content else None

    def to_json(self) -> str:
        """Return the value of the environment variable of its job."""
        return json.dumps(asdict(self))

    def load(self) -> Any:
        """Return Optuna's trial. Its values are not sampled again."""
        import optuna

        study = optuna.load_study(
            study_name=self.name,
            storage=TrialStorage(self.storage, self.name).connect(),
            sampler=optuna.samplers.RandomSampler(),  # leaves the trial as it is
            pruner=make_optuna("pruner", self.pruner),
        )
        trial_id = study._storage.get_trial_id_from_study_id_trial_number(study._study_id, self.number)
        return optuna.Trial(study, trial_id)


class Pruned(Exception):  # noqa: N818  # no error: the pruner has stopped the run
    status = 0


def as_mapping(choice: OptunaChoice | None) -> dict[str, Any]:
    """Return the name and the arguments of a sampler or pruner in one mapping, empty for None."""
    return {"name": choice} if isinstance(choice, str) else dict(choice or {})


def optuna_classes(role: str) -> dict[str, Any]:
    """Return Optuna's classes for `role`, sampler or pruner, that plain values can configure, by lower-case name."""
    import optuna

    module, suffix = getattr(optuna, f"{role}s"), role.capitalize()
    names = [name for name in module.__all__ if name.endswith(suffix) and name not in UNSUPPORTED]
    return {name.removesuffix(suffix).lower(): getattr(module, name) for name in names if not name.startswith("Base")}


def make_optuna(role: str, choice: Mapping[str, Any], **arguments: Any) -> Any:
    """Instantiate the sampler or pruner `choice` (`name` and its arguments)."""
    import warnings

    from optuna.exceptions import ExperimentalWarning

    chosen = {key: value for key, value in choice.items() if key != "name"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # the user has chosen it by name
        return optuna_classes(role)[str(choice["name"]).lower()](**chosen, **arguments)
