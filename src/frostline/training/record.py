"""The record that a run leaves in its folder: the plan and the environment at its beginning, the result at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from frostline.console import log
from frostline.data.downloads.package_cache import cache_folder
from frostline.data.token_counts import token_record
from frostline.errors import user_error
from frostline.freezing.plan import counted
from frostline.freezing.table import plan_table
from frostline.models.interfaces import FittedHead
from frostline.models.source_runs import describe_sources
from frostline.results import metrics_csv
from frostline.results.atomic_files import read_json, write_json, write_text
from frostline.results.environment import Environment, capture
from frostline.results.folder import RunFolder
from frostline.training.build import Built
from frostline.training.callbacks.best_checkpoint import BestCheckpoint
from frostline.training.callbacks.fit_head import fitted_values
from frostline.training.callbacks.predictions import (
    PredictionContext,
    SplitPredictions,
    confusion_record,
    write_predictions,
)
from frostline.training.callbacks.resume_checkpoint import resume_step
from frostline.training.loggers.build import finish_complete, finish_pruned
from frostline.training.multi_label_metrics import MultiLabelMetrics
from frostline.types import Config


@dataclass(frozen=True)
class RunRecorder:
    """Writes the record of a run on its first rank: `begin` before training, then `finish` or `prune`.

    precision: the one that the Trainer uses, which on a CPU is bf16-mixed where the config asks for 16-mixed.
    """

    config: Config
    job: dict[str, Any]
    folder: RunFolder
    built: Built
    best: BestCheckpoint
    device: str
    precision: str
    ranks: int = 1

    @property
    def plan_table(self) -> str:
        return plan_table(self.built.plan, fitted_head=isinstance(self.built.model.head, FittedHead))

    def begin(self, resume: Path | None, environment: Environment | None = None) -> None:
        """Write plan.txt and environment.json; resume: the checkpoint from which the run resumes.

        Raises:
            UserError: the run cannot resume, because its data or its encoder have changed.
        """
        recorded = self._environment(environment or capture())
        if resume is not None:
            self._check_sources(recorded)
            step = resume_step(resume)
            log(f"going on from step {step}")
        else:
            # These are from an attempt that left no checkpoint to resume from.
            for file in (self.folder.best, self.folder.before_interpolation):
                file.unlink(missing_ok=True)
        metrics_csv.cut_after(self.folder.metrics, -1 if resume is None else step)
        write_text(self.folder.plan, self.plan_table + "\n")
        write_json(self.folder.environment, recorded)

    def _check_sources(self, recorded: dict[str, Any]) -> None:
        """Raise UserError if the texts or the weights differ from those that the run began with."""
        before = read_json(self.folder.environment)
        changed = [source for source in ("data", "encoder") if before[source] != recorded[source]]
        if changed:
            what = f"{' and '.join(changed)} changed since the run in '{self.folder.path}' began"
            raise user_error("hydra.run.dir", what, "give rerun=true to start again in a new folder")

    def _environment(self, environment: Environment) -> dict[str, Any]:
        if environment.diff:
            write_text(self.folder.path / "uncommitted.diff", environment.diff)
        return environment.values | {
            "device": self.device,
            "precision": self.precision,
            "ranks": self.ranks,
            "threads": torch.get_num_threads(),
            "data": self._data(),
            "encoder": {"fingerprint": self.built.encoder_fingerprint},
            "tokens": token_record(self.built.token_counts),
            **self._sources(),
        }

    def _data(self) -> dict[str, Any]:
        shifts = {name: shift.described() for name, shift in self.built.shifts.items()}
        return self.built.corpus.described() | {"shifts": shifts}

    def _sources(self) -> dict[str, Any]:
        """Return the runs that encoder and head were taken from, without the key where there are none."""
        sources = describe_sources(self.config, cache_folder() / "digests")
        return {"sources": sources} if sources else {}

    def finish(
        self,
        metrics: dict[str, float],
        predictions: dict[str, SplitPredictions],
        extra: dict[str, Any],
        cost: dict[str, Any],
        loggers: Sequence[Any],
        step: int,
    ) -> None:
        """Write predictions and metrics, and result.json last, whose presence means that the run is complete.

        extra: what the head reports in addition to the metrics. step: the last optimizer step.
        """
        write_predictions(self.folder.predictions, predictions, self._context())
        result = self._result(metrics, predictions, extra, cost | {"steps": step})
        finish_complete(loggers, result, step)
        self.folder.failure.unlink(missing_ok=True)
        write_json(self.folder.result, result)
        for file in (self.folder.resume_checkpoint, self.folder.before_interpolation):
            file.unlink(missing_ok=True)

    def prune(self, pruned: dict[str, Any], loggers: Sequence[Any]) -> None:
        """Write pruned.json, of a trial that its search has pruned."""
        finish_pruned(loggers)
        write_json(self.folder.pruned, pruned)
        self.folder.resume_checkpoint.unlink(missing_ok=True)

    def _result(
        self,
        metrics: dict[str, float],
        predictions: dict[str, SplitPredictions],
        extra: dict[str, Any],
        cost: dict[str, Any],
    ) -> dict[str, Any]:
        classifier = self.built.classifier
        return {
            "id": self.job["id"],
            "study": self.config["study"],
            "overrides": self.job["overrides"],
            "choices": self.job["choices"],
            "seed": self.config["seed"],
            "metrics": metrics,
            "best": {"epoch": self._best_epoch(), "monitor": self.built.settings.monitor},
            "phases": [_counted_spans(phase) for phase in classifier.tracker.finished],
            "classes": self.built.corpus.classes,
            **confusion_record(classifier.confusion, predictions["test"]),
            **self._thresholds(),
            **self._interpolation(),
            **extra,
            "parameters": self._parameters(),
            "cost": cost,
            "config": self.config,  # so that a reader of many results opens one file of each run
        }

    def _context(self) -> PredictionContext:
        built, metrics = self.built, self.built.classifier.metrics
        thresholds = metrics.thresholds if isinstance(metrics, MultiLabelMetrics) else None
        return PredictionContext(built.corpus.classes, built.origins, thresholds)

    def _best_epoch(self) -> int | None:
        """Return the best epoch, counted from 1; None if nothing was trained in epochs."""
        return None if self.best.epoch is None else counted(self.best.epoch)

    def _thresholds(self) -> dict[str, Any]:
        """Return the probability from which on each class is predicted, for multi-label data."""
        metrics = self.built.classifier.metrics
        if not isinstance(metrics, MultiLabelMetrics):
            return {}
        return {"thresholds": dict(zip(metrics.classes, metrics.thresholds, strict=True))}

    def _interpolation(self) -> dict[str, Any]:
        interpolation = self.built.interpolation
        return interpolation.record if interpolation is not None and self.built.trains else {}

    def _parameters(self) -> dict[str, int]:
        plan, head = self.built.plan, self.built.model.head
        fitted = fitted_values(head) if isinstance(head, FittedHead) else 0
        return {
            "total": sum(p.size for p in plan.parameters) + fitted,
            "trainable": plan.trainable(plan.phases[-1]) + fitted,
            "ever_trainable": plan.ever_trainable + fitted,
            "solved": fitted,
        }


def _counted_spans(phase: dict[str, Any]) -> dict[str, Any]:
    """Return a finished phase with its first and last epoch and step, each counted from 1."""
    return phase | {key: [counted(phase[key][0]), phase[key][1]] for key in ("epochs", "steps")}
