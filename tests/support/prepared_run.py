"""The objects of a run, which tests look at before training, after it, or in place of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from frostline.results.folder import RunFolder
from frostline.training.build import Built, build
from frostline.training.callbacks.best_checkpoint import BestCheckpoint
from frostline.training.callbacks.order import Callbacks, make_callbacks
from frostline.training.classifier import Classifier
from frostline.training.data_module import DataModule
from frostline.training.fit import evaluate, evaluate_split, fit
from frostline.training.loggers.build import make_loggers
from frostline.training.record import RunRecorder
from frostline.training.trainer import attach, make_trainer


@dataclass
class PreparedRun:
    """What `frostline.training.run.train` builds, as one rank."""

    folder: RunFolder
    built: Built
    data: DataModule
    callbacks: Callbacks
    trainer: Any
    record: RunRecorder

    @property
    def classifier(self) -> Classifier:
        return self.built.classifier

    @property
    def best(self) -> BestCheckpoint:
        return self.callbacks.best

    def fit(self) -> None:
        """Train, from the resume checkpoint if there is one."""
        resume = self.folder.resume_checkpoint if self.folder.resume_checkpoint.exists() else None
        self.record.begin(resume)
        fit(self.trainer, self.built, self.data, self.best, resume)

    def evaluate(self) -> dict[str, float]:
        return evaluate(self.trainer, self.built, self.data, self.best)

    def evaluate_split(self, split: str) -> dict[str, float]:
        return evaluate_split(self.trainer, self.built, self.data, split)

    def weights(self) -> dict[str, Tensor]:
        return self.classifier.checkpoint_state.weights()

    def restore(self, weights: dict[str, Tensor]) -> None:
        self.classifier.checkpoint_state.restore(weights)

    def vectors(self, split: str) -> Tensor:
        """Return the pooled vectors (N, D) of a split, with the present weights."""
        if not hasattr(self.data, "frozen_states"):
            attach(self.classifier, self.trainer, self.data)
        return self.data.frozen_states.pooled_vectors(split, self.built.tokens[split])


def prepare(config: dict[str, Any], job: dict[str, Any], folder: RunFolder, *callbacks: Any) -> PreparedRun:
    """Build a run; callbacks: further ones, called after those of the run."""
    built = build(config)
    data = DataModule(built, config)
    own = make_callbacks(built, config, job, folder)
    trainer = make_trainer(built.settings, built.plan, 1, make_loggers(folder, config, job), [*own.needed, *callbacks])
    record = RunRecorder(config, job, folder, built, own.best, str(trainer.strategy.root_device), trainer.precision)
    return PreparedRun(folder, built, data, own, trainer, record)


def prepared_run(job: Any, *callbacks: Any) -> PreparedRun:
    """Build the run of a checked job."""
    return prepare(job.config, described(job), RunFolder(job.folder), *callbacks)


def trained_run(job: Any, *callbacks: Any) -> PreparedRun:
    """Build the run of a checked job and train it."""
    with RunFolder(job.folder).claimed(described(job)):
        run = prepared_run(job, *callbacks)
        run.fit()
    return run


def described(job: Any) -> dict[str, Any]:
    """Return the id, choices and overrides of a job."""
    return {"id": job.id, "choices": job.choices, "overrides": job.overrides}
