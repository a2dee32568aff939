"""What a run leaves in its folder: what it began with, and what it has come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from frostline.console import say
from frostline.errors import wrong
from frostline.freezing.table import table
from frostline.models.interfaces import FittedHead
from frostline.results import environment
from frostline.results import metrics_csv as curves
from frostline.results.atomic_files import read_json, write_json, write_text
from frostline.results.folder import RunFolder
from frostline.training.build import Built
from frostline.training.callbacks.best_checkpoint import BestCheckpoint, resume_step
from frostline.training.callbacks.fit_head import solved
from frostline.training.callbacks.predictions import Told, write
from frostline.training.loggers.finish import conclude
from frostline.training.multilabel import MultiLabelMetrics
from frostline.types import Config


@dataclass(frozen=True)
class RunRecorder:
    """Rank 0 writes it: `begin` before anything learns, `finish` at the end."""

    config: Config
    job: dict[str, Any]
    place: RunFolder
    built: Built
    best: BestCheckpoint
    device: str
    ranks: int = 1

    @property
    def planned(self) -> str:
        """The plan as a table."""
        return table(self.built.plan, solved=isinstance(self.built.classifier.head, FittedHead))

    def begin(self, resume: Path | None, around: environment.Environment | None = None) -> None:
        found = self._environment(around or environment.look())
        if resume is not None:
            self._same_sources(found)
            step = resume_step(resume)
            say(f"going on from step {step}")
        else:
            for left in (self.place.best, self.place.unmixed):  # of an attempt of which nothing else is left
                left.unlink(missing_ok=True)
        curves.cut(self.place.metrics, -1 if resume is None else step)
        write_text(self.place.plan, self.planned + "\n")
        write_json(self.place.environment, found)

    def _same_sources(self, found: dict[str, Any]) -> None:
        """A run goes on only from the texts and weights that it began with."""
        before = read_json(self.place.environment)
        changed = [source for source in ("data", "encoder") if before[source] != found[source]]
        if changed:
            what = f"{' and '.join(changed)} changed since the run in '{self.place.path}' began"
            raise wrong("hydra.run.dir", what, "give rerun=true to start anew beside it")

    def _environment(self, around: environment.Environment) -> dict[str, Any]:
        if around.difference:
            write_text(self.place.path / "uncommitted.diff", around.difference)
        return around.told | {
            "device": self.device,
            "ranks": self.ranks,
            "threads": torch.get_num_threads(),
            "data": self._data(),
            "encoder": {"fingerprint": self.built.encoder_fingerprint},
        }

    def _data(self) -> dict[str, Any]:
        shifts = {name: shift.described() for name, shift in self.built.shifts.items()}
        return self.built.corpus.described() | {"shifts": shifts}

    def finish(
        self,
        scores: dict[str, float],
        told: dict[str, Told],
        seen: dict[str, Any],
        cost: dict[str, Any],
        loggers: Sequence[Any],
        step: int,
    ) -> None:
        """result.json last.

        told: of each test set; seen: what there is to tell beside scores; step: the optimizer's last.
        """
        write(self.place.predictions, told)
        classifier = self.built.classifier
        result = {
            "id": self.job["id"],
            "study": self.config["study"],
            "overrides": self.job["overrides"],
            "choices": self.job["choices"],
            "seed": self.config["seed"],
            "metrics": scores,
            "best": {"epoch": self.best.epoch, "monitor": self.built.settings.monitor},
            "phases": classifier.ended,
            "confusion": classifier.confusion,
            **self._thresholds(),
            **seen,
            "parameters": self._parameters(),
            "cost": cost,
            "config": self.config,  # here too, so that whoever reads many results opens one file of each
        }
        conclude(loggers, result, step)
        self.place.failure.unlink(missing_ok=True)
        write_json(self.place.result, result)
        for left in (self.place.resume_point, self.place.unmixed):
            left.unlink(missing_ok=True)

    def _thresholds(self) -> dict[str, Any]:
        """Of each class, for multi-label data: from what chance on it counts as told."""
        scores = self.built.classifier.scores
        if not isinstance(scores, MultiLabelMetrics):
            return {}
        return {"thresholds": dict(zip(scores.classes, scores.thresholds, strict=True))}

    def _parameters(self) -> dict[str, int]:
        plan, exact = self.built.plan, solved(self.built.classifier.head)
        return {
            "total": sum(p.size for p in plan.parameters) + exact,
            "trainable": plan.learning(plan.phases[-1]) + exact,
            "ever_trainable": plan.ever_learning + exact,
            "solved": exact,
        }
