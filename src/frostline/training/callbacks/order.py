"""The callbacks of a run, in the order in which the Trainer calls them."""

from __future__ import annotations

from typing import Any, NamedTuple

from frostline.results.folder import RunFolder
from frostline.results.search_storage import PrunableTrial
from frostline.training.build import Built
from frostline.training.callbacks.best_checkpoint import BestCheckpoint
from frostline.training.callbacks.early_stopping import EarlyStopping
from frostline.training.callbacks.fit_head import FitHead
from frostline.training.callbacks.language_model_record import LanguageModelRecord
from frostline.training.callbacks.predictions import Predictions
from frostline.training.callbacks.progress import ProgressReporter
from frostline.training.callbacks.pruning import Pruning
from frostline.training.callbacks.resume_checkpoint import ResumeCheckpoint
from frostline.training.callbacks.validation_schedule import ValidationSchedule
from frostline.training.callbacks.weight_averaging import WeightAveraging
from frostline.types import Config


class Callbacks(NamedTuple):
    """All callbacks. The order of the fields is the order of the calls."""

    best: BestCheckpoint  # saves the average, which the next callback has put into the model
    weight_averaging: WeightAveraging  # puts the trained weights back before a resume checkpoint is written
    early_stopping: EarlyStopping  # reads the best epoch
    pruning: Pruning  # does not prune a run that ends anyway
    resume: ResumeCheckpoint  # saves the state of all callbacks above after they have acted
    progress: ProgressReporter
    validation_schedule: ValidationSchedule
    fit_head: FitHead
    language_model_record: LanguageModelRecord
    predictions: Predictions


def make_callbacks(built: Built, config: Config, job: dict[str, Any], folder: RunFolder) -> Callbacks:
    """Return the callbacks of a run."""
    settings = built.settings
    best = best_checkpoint(built, job, folder)
    return Callbacks(
        best,
        WeightAveraging(built.averaging),
        EarlyStopping(best, settings.patience),
        Pruning(PrunableTrial.from_environment()),
        ResumeCheckpoint(folder.resume_checkpoint, settings.checkpoint_seconds),
        ProgressReporter(settings.monitor),
        ValidationSchedule(settings),
        FitHead(built),
        LanguageModelRecord(built.model, built.corpus.test, config["dataset"], settings.limit_batches),
        Predictions(),
    )


def best_checkpoint(built: Built, job: dict[str, Any], folder: RunFolder) -> BestCheckpoint:
    """Return the callback that saves the best epoch, with the fingerprint of the encoder and the id of the run."""
    metadata = {"encoder": built.encoder_fingerprint, "id": job["id"]}
    return BestCheckpoint(folder, built.settings.monitor, metadata)
