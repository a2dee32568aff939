"""The run folder: one configuration, one folder, complete when result.json exists."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline.errors import user_error
from frostline.results.atomic_files import PART, read_json, write_json


@dataclass(frozen=True)
class RunFolder:
    """Paths of the contract, and who may write them."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def plan(self) -> Path:
        return self.path / "plan.txt"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def environment(self) -> Path:
        return self.path / "environment.json"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def resume_point(self) -> Path:
        return self.checkpoints / "last.ckpt"

    @property
    def best(self) -> Path:
        return self.checkpoints / "best.safetensors"

    @property
    def before_interpolation(self) -> Path:
        """The best epoch's weights, from when a mixture takes their place until the run is complete."""
        return self.checkpoints / "before_interpolation.safetensors"

    @property
    def result(self) -> Path:
        return self.path / "result.json"

    @property
    def predictions(self) -> Path:
        """What was told of each text of the test sets."""
        return self.path / "predictions.parquet"

    @property
    def vectors(self) -> Path:
        """Of test texts, before and after: by `frostline vectors`, when the run is complete."""
        return self.path / "vectors.parquet"

    @property
    def failure(self) -> Path:
        return self.path / "failure.json"

    @property
    def pruned(self) -> Path:
        """Why its search gave it up, of a run that has neither result nor failure."""
        return self.path / "pruned.json"

    @property
    def job(self) -> Path:
        """Whose folder this is: id, choices and overrides, written before anything else."""
        return self.path / ".job.json"

    def read_result(self) -> dict[str, Any] | None:
        """The result of a complete run, None where there is none."""
        if not self.result.exists():
            return None
        result: dict[str, Any] = read_json(self.result)
        return result

    @contextmanager
    def claimed(self, job: dict[str, Any]) -> Iterator[None]:
        """Hold the folder for a run (`id`, `choices`, `overrides`) while it works.

        Raises:
            UserError: the folder cannot be written, holds another run, or another process works in it.
        """
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            lock = (self.path / ".lock").open("a")
        except OSError as error:
            raise user_error(
                "hydra.run.dir", f"'{self.path}' cannot be written ({error.strerror})", "choose another"
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                what = f"another process works in '{self.path}'"
                raise user_error("hydra.run.dir", what, "wait for it, or choose another folder") from error
            self._belong(job["id"])
            if not self.result.exists():
                self._clear_parts()
                write_json(self.job, job)
            yield

    def _clear_parts(self) -> None:
        """Files that a kill has left half written."""
        for part in [*self.path.glob(".*.[0-9]*"), *self.checkpoints.glob(f"*{PART}")]:
            part.unlink()

    def _belong(self, run: str) -> None:
        held = read_json(self.job)["id"] if self.job.exists() else run
        if held != run:
            what = f"'{self.path}' holds another run ({held}, this one is {run})"
            raise user_error("hydra.run.dir", what, "choose an empty folder")
