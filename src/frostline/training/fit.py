"""Learning and scoring with the Lightning Trainer; what comes of it goes into the record."""

from __future__ import annotations

import contextlib
import signal
from functools import partial
from typing import Any

import torch.distributed as dist
from lightning.pytorch.utilities.exceptions import SIGTERMException

from frostline.cache.frozen_states import FrozenStates
from frostline.cache.keys import CacheKeys, content
from frostline.cache.shared_store import CacheSettings, SharedCache
from frostline.console import say
from frostline.data.batches import reading_order, share_batches, share_rows, training_order
from frostline.data.loader import BatchLoader
from frostline.results.atomic_files import write_json
from frostline.results.folder import RunFolder
from frostline.results.search_storage import Trial
from frostline.seeding import derive
from frostline.training.averaging.base import Interpolating
from frostline.training.build import Built, build
from frostline.training.callbacks.best_checkpoint import AtomicCheckpointIO, BestCheckpoint, ResumeCheckpoint
from frostline.training.callbacks.early_stopping import EarlyStopping
from frostline.training.callbacks.fit_head import FitHead
from frostline.training.callbacks.language_model_record import LanguageModelRecord
from frostline.training.callbacks.predictions import Predictions
from frostline.training.callbacks.progress import ProgressReporter
from frostline.training.callbacks.pruning import Pruning
from frostline.training.callbacks.validation_schedule import ValidationSchedule
from frostline.training.callbacks.weight_averaging import WeightAveraging
from frostline.training.cost import cost
from frostline.training.interpolation import Interpolation
from frostline.training.loggers.choose import of_run
from frostline.training.loggers.finish import leave
from frostline.training.record import RunRecorder
from frostline.training.trainer import make_trainer, unrepeatable
from frostline.types import Config


class Fit:
    """One rank's share of a run: `learn`, `score`, and on rank 0 `finish`."""

    def __init__(self, config: Config, job: dict[str, Any], place: RunFolder, count: int) -> None:
        self.config, self.job, self.place = config, job, place
        self.point = ResumeCheckpoint(place.resume_point, config["trainer"]["checkpoint_seconds"])
        self.built: Built = build(config)
        self.classifier = self.built.classifier
        self.cost: dict[str, Any] = {}
        self.learns = self.built.plan.ever_learning > 0 and self.built.settings.max_epochs > 0
        settings = self.built.settings
        self.best = BestCheckpoint(
            place, settings.monitor, {"encoder": self.built.encoder_fingerprint, "id": job["id"]}
        )
        averaging = self.built.averaging
        self.interpolation = Interpolation(self.classifier, averaging) if isinstance(averaging, Interpolating) else None
        keep = SharedCache(CacheSettings(**config["cache"]), count)
        origin = CacheKeys(self.classifier, partial(content, self.classifier.encoder, config))
        self.below = FrozenStates(self.classifier, keep, origin, str(config["encoder"].get("name")))
        solver = FitHead(self.below, self.built.tokens.get("train"), self.learns)
        self.witness = LanguageModelRecord(
            self.classifier, self.built.corpus.test, config["dataset"], settings.limit_batches
        )
        self.predictions = Predictions()
        self.pruning = Pruning(Trial.here())
        ending = [EarlyStopping(self.best, settings.patience), self.pruning]
        lasting = [self.best, WeightAveraging(averaging), *ending, self.point]
        callbacks = [
            *lasting,
            ProgressReporter(settings.monitor),
            ValidationSchedule(settings),
            solver,
            self.witness,
            self.predictions,
        ]
        self.loggers = of_run(place, config, job)
        self.trainer = make_trainer(settings, self.loggers, callbacks, [AtomicCheckpointIO()], count, self.built.plan)
        device = str(self.trainer.strategy.root_device)
        self.account = RunRecorder(config, job, place, self.built, self.best, device, count)

    # Batches

    def training(self) -> BatchLoader:
        """Batches whose order follows from seed and epoch."""
        tokens, settings = self.built.tokens["train"], self.built.settings
        size, lengths = self.config["dataset"]["batch_size"], tokens.lengths
        seed = derive(self.config["seed"], "order")

        def rows() -> Any:
            batches = training_order(lengths, size, seed, self.trainer.current_epoch)
            if settings.overfit_batches:
                batches = training_order(lengths, size, seed, 0)[: settings.overfit_batches]
            return share_rows(batches, self.trainer.global_rank, self.trainer.world_size, settings.accumulate)

        def first() -> int:
            return int(self.trainer.fit_loop.epoch_loop.batch_progress.current.ready)

        batches = -(-len(tokens) // size)
        batches = min(batches, settings.overfit_batches or batches)
        return BatchLoader(
            tokens, batches, rows, lambda: self.below.of("train", tokens, len(self._left())), first, settings.accumulate
        )

    def reading(self, split: str, fitting: bool = False) -> BatchLoader:
        """Batches of an evaluation, after epochs where `fitting`."""
        tokens = self.built.tokens[split]
        whole = reading_order(tokens.lengths, self.config["dataset"]["batch_size"])
        level = self.built.settings.strategy == "fsdp2"  # ranks that gather for each other must read equally often
        rows = share_batches(whole, self.trainer.global_rank, self.trainer.world_size, level)

        def uses() -> int:
            return sum(map(self.built.settings.validates, self._left())) if fitting else 1

        return BatchLoader(tokens, len(rows), lambda: rows, lambda: self.below.of(split, tokens, uses()))

    def _left(self) -> range:
        """The epochs that the present phase still has, or the run where training decides when it ends."""
        phase = self.classifier.engine.phase
        end = phase.end if phase.when is None else self.built.settings.max_epochs
        return range(self.trainer.current_epoch, end)

    # Learning and scoring

    def learn(self) -> None:
        """Fit, from the resume point where there is one."""
        resume = self.place.resume_point if self.place.resume_point.exists() else None
        if self.trainer.is_global_zero:
            say(self.account.planned)
            self.account.begin(resume)
        if not self.learns:
            return
        loaders = self.training(), self.reading("val", fitting=True)
        try:
            self.trainer.fit(self.classifier, *loaders, ckpt_path=resume, weights_only=True)
        except SIGTERMException:  # which by itself would end the command as if all were well
            raise SystemExit(128 + signal.SIGTERM) from None
        except RuntimeError as error:
            if (told := unrepeatable(error)) is not None:
                raise told from error
            raise
        assert self.best.epoch is not None
        best = self.best.weights() if self.trainer.is_global_zero else None
        self.classifier.restore(self.trainer.strategy.broadcast(best))
        self.classifier.engine.enter(self.classifier.course.index(self.best.epoch))

    def score(self) -> dict[str, float]:
        """Validation scores of the best epoch and scores of all test sets, alike on all ranks."""
        if self.interpolation is not None and self.learns:
            self._interpolate(self.interpolation)
        scores = dict(self.best.values or self._evaluate("val"))
        if self.built.corpus.multi_label:
            self._evaluate("val")  # thresholds are those of the best epoch's weights
        for split in (*self.built.shifts, "test"):  # the home test last: its confusion is the one that is kept
            scores |= self._evaluate(split)
        self.cost = cost(self.classifier, self.point, self.trainer.world_size)
        return scores

    def _interpolate(self, interpolation: Interpolation) -> None:
        """Score all mixtures on all parts; from here on the model is the chosen one."""
        splits = ("val", *self.built.shifts, "test")
        interpolation.draw(lambda: {k: v for s in splits for k, v in self._evaluate(s).items()}, self.best.monitor)
        self.best.values = {k: v for k, v in interpolation.chosen.items() if k.startswith("val/")}
        say(f"wise_ft: alpha {interpolation.chosen['alpha']:g} is kept")

    def _evaluate(self, split: str) -> dict[str, float]:
        act = self.trainer.validate if split == "val" else self.trainer.test
        self.classifier.tested = split
        with contextlib.redirect_stdout(None):
            act(self.classifier, self.reading(split), verbose=False)
        return {k: float(v) for k, v in self.trainer.callback_metrics.items() if k.startswith(f"{split}/")}

    # The end

    def finish(self, scores: dict[str, float]) -> None:
        """Write what the run has come to."""
        if self.pruning.said:
            leave(self.loggers)
            write_json(self.place.pruned, self.pruning.said)
            self.place.resume_point.unlink(missing_ok=True)
            return
        seen = self.witness.record
        if self.interpolation is not None and self.learns:
            self.best.keep_mixed(self.classifier.learned())
            seen = {**self.interpolation.record, **seen}
        elif not self.place.best.exists():
            self.best.save(self.classifier.learned())
        told, loggers = self.predictions.told, self.trainer.loggers
        self.account.finish(scores, told, seen, self.cost, loggers, self.trainer.global_step)

    def part(self) -> None:
        """The ranks leave together, when the record is complete."""
        if dist.is_available() and dist.is_initialized():
            self.trainer.strategy.barrier("record")
            dist.destroy_process_group()
