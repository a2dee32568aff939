"""The run folder. A run has one configuration and one folder, and is complete when result.json exists."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline.errors import user_error
from frostline.results.atomic_files import PART, read_json, write_json

KEY = "hydra.run.dir"
EVALUATION = "evaluation.json"  # written last, in the folder of a further test set


@dataclass(frozen=True)
class RunFolder:
    """The files of a run, and a lock for the process that writes them."""

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
    def resume_checkpoint(self) -> Path:
        return self.checkpoints / "last.ckpt"

    @property
    def best(self) -> Path:
        return self.checkpoints / "best.safetensors"

    @property
    def before_interpolation(self) -> Path:
        """The weights of the best epoch, from the interpolation of weights until the run is complete."""
        return self.checkpoints / "before_interpolation.safetensors"

    @property
    def result(self) -> Path:
        return self.path / "result.json"

    @property
    def predictions(self) -> Path:
        """The predicted probabilities of each text in the test sets."""
        return self.path / "predictions.parquet"

    @property
    def evaluations(self) -> Path:
        """The folder of further test sets, each in a folder with its name, such as test_reviews."""
        return self.path / "evaluations"

    def read_evaluations(self) -> dict[str, dict[str, Any]]:
        """Return the record of each further test set, by its name."""
        files = sorted(self.evaluations.glob(f"*/{EVALUATION}"))
        return {file.parent.name: read_json(file) for file in files}

    def predictions_of(self, test_set: str) -> Path:
        """Return the file with the predictions for a test set, which may be a further one."""
        further = self.evaluations / test_set / self.predictions.name
        return further if test_set != "test" and further.exists() else self.predictions

    @property
    def vectors(self) -> Path:
        """The pooled embeddings of test texts before and after training, which `frostline vectors` writes."""
        return self.path / "vectors.parquet"

    @property
    def failure(self) -> Path:
        return self.path / "failure.json"

    @property
    def pruned(self) -> Path:
        """The reason why its search has stopped the run. Such a run has neither result nor failure."""
        return self.path / "pruned.json"

    @property
    def job(self) -> Path:
        """The run that the folder belongs to: id, choices and overrides, written before anything else."""
        return self.path / ".job.json"

    def read_result(self) -> dict[str, Any] | None:
        """Return the result of a complete run; None where there is none."""
        if not self.result.exists():
            return None
        result: dict[str, Any] = read_json(self.result)
        return result

    def read_job(self) -> dict[str, Any]:
        """Return what the folder says about the run that it belongs to; nothing where there is none."""
        try:
            job = read_json(self.job)
        except (OSError, ValueError):
            return {}
        return job if isinstance(job, dict) else {}

    @contextmanager
    def claimed(self, job: dict[str, Any]) -> Iterator[None]:
        """Lock the folder for a run (`id`, `choices`, `overrides`) while this is open.

        Raises:
            UserError: the folder cannot be written, belongs to another run, or another process has locked it.
        """
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            lock = (self.path / ".lock").open("a")
        except OSError as error:
            raise user_error(KEY, f"'{self.path}' cannot be written ({error.strerror})", "choose another") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                what = f"another process works in '{self.path}'"
                raise user_error(KEY, what, "wait for it, or choose another folder") from error
            self._check_owner(job["id"])
            if not self.result.exists():
                self._remove_partial_files()
                write_json(self.job, job)
            yield

    def _remove_partial_files(self) -> None:
        for part in [*self.path.glob(".*.[0-9]*"), *self.checkpoints.glob(f"*{PART}")]:
            part.unlink()

    def _check_owner(self, run: str) -> None:
        owner = read_json(self.job)["id"] if self.job.exists() else run
        if owner != run:
            what = f"'{self.path}' belongs to another run ({owner}, this one is {run})"
            raise user_error(KEY, what, "choose an empty folder")
