"""The callbacks of a run, in the order in which the Trainer calls them."""

from __future__ import annotations

from typing import Any, NamedTuple

from frostline.models.interfaces import FittedHead, RecordedHead
from frostline.results.folder import RunFolder
from frostline.results.search_storage import PrunableTrial
from frostline.training.averaging.base import Averaging
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
    """All callbacks, or None for those that the run does not need. The order of the fields is that of the calls."""

    best: BestCheckpoint  # saves the average, which the next callback has put into the model
    weight_averaging: WeightAveraging | None  # puts the trained weights back before a resume checkpoint is written
    early_stopping: EarlyStopping | None  # reads the best epoch
    pruning: Pruning | None  # does not prune a run that ends anyway
    resume: ResumeCheckpoint  # saves the state of all callbacks above after they have acted
    progress: ProgressReporter
    validation_schedule: ValidationSchedule | None
    fit_head: FitHead | None
    language_model_record: LanguageModelRecord | None
    predictions: Predictions

    @property
    def needed(self) -> list[Any]:
        """The callbacks of the run, in order."""
        return [callback for callback in self if callback is not None]

    @property
    def pruned(self) -> dict[str, Any] | None:
        """The content of pruned.json; None while the run is not pruned."""
        return None if self.pruning is None else self.pruning.pruned

    @property
    def head_record(self) -> dict[str, Any]:
        """The entry of a language-model head for result.json; empty for other heads."""
        return {} if self.language_model_record is None else self.language_model_record.record


def make_callbacks(built: Built, config: Config, job: dict[str, Any], folder: RunFolder) -> Callbacks:
    """Return the callbacks of a run."""
    settings, head, trial = built.settings, built.model.head, PrunableTrial.from_environment()
    best = best_checkpoint(built, job, folder)
    limits = config["dataset"], settings.limit_batches
    return Callbacks(
        best,
        weight_averaging=None if type(built.averaging) is Averaging else WeightAveraging(built.averaging),
        early_stopping=None if settings.patience is None else EarlyStopping(best, settings.patience),
        pruning=None if trial is None else Pruning(trial),
        resume=ResumeCheckpoint(folder.resume_checkpoint, settings.checkpoint_seconds),
        progress=ProgressReporter(settings.monitor),
        validation_schedule=ValidationSchedule(settings) if settings.check_val_every_n_epoch > 1 else None,
        fit_head=FitHead(head, built.tokens["train"], not built.trains) if isinstance(head, FittedHead) else None,
        language_model_record=LanguageModelRecord(head, built.model.encoder, built.corpus.test, *limits)
        if isinstance(head, RecordedHead)
        else None,
        predictions=Predictions(),
    )


def best_checkpoint(built: Built, job: dict[str, Any], folder: RunFolder) -> BestCheckpoint:
    """Return the callback that saves the best epoch, with the fingerprint of the encoder and the id of the run."""
    metadata = {"encoder": built.encoder_fingerprint, "id": job["id"]}
    return BestCheckpoint(folder, built.settings.monitor, metadata)
