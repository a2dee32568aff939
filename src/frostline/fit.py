"""Learning and scoring with the Lightning Trainer; what comes of it goes into the record."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from lightning.pytorch.utilities.exceptions import SIGTERMException

from frostline.averager import Averager
from frostline.averaging import Interpolating
from frostline.chance import derive
from frostline.checkpoints import Best, ResumePoint, WholeFiles, resume_step
from frostline.compose.build import Built, build
from frostline.costs import cost
from frostline.data.batches import reading_order, share_batches, share_rows, training_order
from frostline.data.loader import Loader
from frostline.epochs import Epochs
from frostline.errors import wrong
from frostline.interpolation import Interpolation
from frostline.loggers.choose import choose
from frostline.loggers.ending import conclude
from frostline.multilabel import MultiLabelScores
from frostline.patience import Patience
from frostline.plan_text import table
from frostline.progress import say
from frostline.roles import Fitted
from frostline.solving import Solver, solved
from frostline.store import curves, environment
from frostline.store.files import read_json, write_json, write_text
from frostline.store.folder import RunFolder
from frostline.store.identity import title
from frostline.trainer import make_trainer
from frostline.types import Config
from frostline.vectors import Vectors
from frostline.witness import Witness


class Fit:
    """One rank's share of a run: `learn`, `score`, and on rank 0 `finish`."""

    def __init__(self, config: Config, job: dict[str, Any], place: RunFolder, count: int) -> None:
        self.config, self.job, self.place = config, job, place
        self.point = ResumePoint(place.resume_point, config["trainer"]["checkpoint_seconds"])
        self.built: Built = build(config)
        self.classifier = self.built.classifier
        self.cost: dict[str, Any] = {}
        self.learns = self.built.plan.ever_learning > 0 and self.built.settings.max_epochs > 0
        settings = self.built.settings
        self.best = Best(place, settings.monitor, {"encoder": self.built.encoder_fingerprint, "id": job["id"]})
        averaging = self.built.averaging
        self.interpolation = Interpolation(self.classifier, averaging) if isinstance(averaging, Interpolating) else None
        self.vectors = Vectors(self.classifier)
        solver = Solver(self.vectors, self.built.tokens.get("train"), self.learns)
        self.witness = Witness(self.classifier, self.built.corpus.test, config["dataset"], settings.limit_batches)
        lasting = [self.best, Averager(averaging), Patience(self.best, settings.patience), self.point]
        callbacks = [*lasting, Epochs(settings.monitor), solver, self.witness]
        self.loggers = self._loggers()
        self.trainer = make_trainer(settings, self.loggers, callbacks, [WholeFiles()], count, self.built.plan)

    def _loggers(self) -> list[Any]:
        name = title(self.config, self.job["choices"], self.job["overrides"])
        shown = self.config | {"choices": self.job["choices"], "id": self.job["id"]}
        return choose(self.place, self.config["study"], name, shown, **self.config["logger"])

    # Batches

    def training(self) -> Loader:
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
        return Loader(tokens, batches, rows, lambda: self.vectors.of("train", tokens), first, settings.accumulate)

    def reading(self, split: str) -> Loader:
        """Batches of an evaluation."""
        tokens = self.built.tokens[split]
        whole = reading_order(tokens.lengths, self.config["dataset"]["batch_size"])
        level = self.built.settings.strategy == "fsdp2"  # ranks that gather for each other must read equally often
        rows = share_batches(whole, self.trainer.global_rank, self.trainer.world_size, level)
        return Loader(tokens, len(rows), lambda: rows, lambda: self.vectors.of(split, tokens))

    # Learning and scoring

    def learn(self) -> None:
        """Fit, from the resume point where there is one."""
        resume = self.place.resume_point if self.place.resume_point.exists() else None
        if self.trainer.is_global_zero:
            self._begin_record(resume)
        if not self.learns:
            return
        loaders = self.training(), self.reading("val")
        try:
            self.trainer.fit(self.classifier, *loaders, ckpt_path=resume, weights_only=True)
        except SIGTERMException:  # which by itself would end the command as if all were well
            raise SystemExit(128 + signal.SIGTERM) from None
        assert self.best.epoch is not None
        best = self.best.weights() if self.trainer.is_global_zero else None
        self.classifier.restore(self.trainer.strategy.broadcast(best))
        self.classifier.engine.enter(self.classifier.course.index(self.best.epoch))

    def _begin_record(self, resume: Path | None) -> None:
        planned = table(self.built.plan, solved=isinstance(self.classifier.head, Fitted))
        say(planned)
        found = self._environment()
        if resume is not None:
            self._same_sources(found)
            step = resume_step(resume)
            say(f"going on from step {step}")
        else:
            for left in (self.place.best, self.place.unmixed):  # of an attempt of which nothing else is left
                left.unlink(missing_ok=True)
        curves.cut(self.place.metrics, -1 if resume is None else step)
        write_text(self.place.plan, planned + "\n")
        write_json(self.place.environment, found)

    def _same_sources(self, found: dict[str, Any]) -> None:
        """A run goes on only from the texts and weights that it began with."""
        before = read_json(self.place.environment)
        changed = [source for source in ("data", "encoder") if before[source] != found[source]]
        if changed:
            what = f"{' and '.join(changed)} changed since the run in '{self.place.path}' began"
            raise wrong("hydra.run.dir", what, "give rerun=true to start anew beside it")

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

    # The record

    def _environment(self) -> dict[str, Any]:
        describe = environment.describe()
        if difference := environment.diff():
            write_text(self.place.path / "uncommitted.diff", difference)
        corpus, shifts = self.built.corpus, self.built.shifts
        return describe | {
            "device": str(self.trainer.strategy.root_device),
            "ranks": self.trainer.world_size,
            "threads": torch.get_num_threads(),
            "data": {
                "fingerprint": corpus.fingerprint,
                "texts": {name: len(split) for name, split in self._splits()},
                "dropped": corpus.dropped,
                "noised": corpus.noised,
                "classes": corpus.classes,
                "shifts": {name: shift.described() for name, shift in shifts.items()},
            },
            "encoder": {"fingerprint": self.built.encoder_fingerprint},
        }

    def _splits(self) -> list[tuple[str, Any]]:
        corpus = self.built.corpus
        return [("train", corpus.train), ("val", corpus.val), ("test", corpus.test)]

    def finish(self, scores: dict[str, float]) -> None:
        """Write what the run has come to, result.json last."""
        plan, job, exact = self.built.plan, self.job, solved(self.classifier.head)
        mixed = self.interpolation if self.learns else None
        if mixed is not None:
            self.best.keep_mixed(self.classifier.learned())
        elif not self.place.best.exists():
            self.best.save(self.classifier.learned())
        result = {
            "id": job["id"],
            "study": self.config["study"],
            "overrides": job["overrides"],
            "choices": job["choices"],
            "seed": self.config["seed"],
            "metrics": scores,
            "best": {"epoch": self.best.epoch, "monitor": self.built.settings.monitor},
            "phases": self.classifier.ended,
            "confusion": self.classifier.confusion,
            **self._thresholds(),
            **({"wise_ft": mixed.curve, "alpha": mixed.chosen["alpha"]} if mixed is not None else {}),
            **self.witness.record,
            "parameters": {
                "total": sum(p.size for p in plan.parameters) + exact,
                "trainable": plan.learning(plan.phases[-1]) + exact,
                "ever_trainable": plan.ever_learning + exact,
                "solved": exact,
            },
            "cost": self.cost,
        }
        conclude(self.loggers, result, self.trainer.global_step)
        self.place.failure.unlink(missing_ok=True)
        write_json(self.place.result, result)
        for left in (self.place.resume_point, self.place.unmixed):
            left.unlink(missing_ok=True)

    def _thresholds(self) -> dict[str, Any]:
        """Of each class, for multi-label data: from what chance on it counts as told."""
        scores = self.classifier.scores
        if not isinstance(scores, MultiLabelScores):
            return {}
        return {"thresholds": dict(zip(scores.classes, scores.thresholds, strict=True))}

    def part(self) -> None:
        """The ranks leave together, when the record is complete."""
        if dist.is_available() and dist.is_initialized():
            self.trainer.strategy.barrier("record")
            dist.destroy_process_group()
