"""Optuna's side of a search: where its trials are kept, and the trial that a run is.

Optuna is imported in use: a run that belongs to no search does without it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from frostline.errors import wrong
from frostline.results.samplers import made

TRIAL = "FROSTLINE_TRIAL"  # set by hydra.job.env_set for a job of a search that prunes


@dataclass(frozen=True)
class TrialStorage:
    """The trials called `name` in a storage: a file, or the address of a database such as postgresql://…"""

    storage: str
    name: str

    @property
    def is_file(self) -> bool:
        return "://" not in self.storage

    def storage_of(self) -> Any:
        """The storage, for any process that takes part."""
        import optuna
        from filelock import FileLock
        from optuna.storages import JournalStorage, get_storage
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        if not self.is_file:
            return get_storage(self.storage)
        lock: Any = FileLock(self.storage + ".lock")  # Optuna's own outlives a process that is killed
        return JournalStorage(JournalFileBackend(self.storage, lock))

    @contextmanager
    def held(self, beside: Path) -> Iterator[None]:
        """Search alone: two at once would draw and do the same trials.

        Raises:
            UserError: another process searches, or the folder cannot be written.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(beside, timeout=0)
        try:
            beside.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            what = f"another process searches in '{self.storage}'"
            raise wrong(
                "hydra.sweeper.storage", what, "wait for it, or give another hydra.sweeper.study_name"
            ) from error
        except OSError as error:
            what = f"'{beside.parent}' cannot be written ({error.strerror})"
            raise wrong("hydra.sweeper.storage", what, "name a file that can") from error
        try:
            yield
        finally:
            lock.release()

    def mend(self) -> None:
        """Cut off the line that a kill has left half written: Optuna would read no further."""
        file = Path(self.storage)
        if not self.is_file or not file.exists():
            return
        content = file.read_bytes()
        if content.startswith(b'{"op_code"') and not content.endswith(b"\n"):
            os.truncate(file, content.rfind(b"\n") + 1)


@dataclass(frozen=True)
class Trial:
    """What a run must know to report to the trial that it is. metric: what is searched for."""

    storage: str
    name: str
    number: int
    metric: str
    pruner: dict[str, Any]

    @classmethod
    def here(cls) -> Trial | None:
        """The trial that this process works on, if it is one that may be pruned."""
        told = os.environ.get(TRIAL)
        return cls(**json.loads(told)) if told else None

    def told(self) -> str:
        """For the environment of its job."""
        return json.dumps(asdict(self))

    def opened(self) -> Any:
        """Optuna's own."""
        import optuna

        place = TrialStorage(self.storage, self.name)
        # A sampler that leaves the trial as it was drawn.
        study = optuna.load_study(
            study_name=self.name,
            storage=place.storage_of(),
            sampler=optuna.samplers.RandomSampler(),
            pruner=made("pruner", self.pruner),
        )
        known = study._storage.get_trial_id_from_study_id_trial_number(study._study_id, self.number)
        return optuna.Trial(study, known)


class Pruned(Exception):  # noqa: N818  # no error: its search has seen enough of it
    status = 0
