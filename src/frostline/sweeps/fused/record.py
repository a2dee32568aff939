"""The record of a fused run: the files that it would write by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from frostline.freezing.plan import counted
from frostline.results.environment import Environment
from frostline.sweeps.fused.member import FusedRun
from frostline.sweeps.fused.shared_texts import EncodedDataset
from frostline.sweeps.fused.task import FusableJob
from frostline.sweeps.fused.wandb_table import without_wandb
from frostline.training.build import Built, build_on_frozen_encoder
from frostline.training.callbacks.order import best_checkpoint
from frostline.training.callbacks.predictions import SplitPredictions
from frostline.training.cost import peak_memory
from frostline.training.fit import check_finite
from frostline.training.loggers.build import finish_failed, make_loggers
from frostline.training.record import RunRecorder


@dataclass
class FusedRecord:
    """Use it in this order: `start` before training, `test` after it, and `finish` to write the result."""

    job: FusableJob
    run: FusedRun
    recorder: RunRecorder
    scores: dict[str, float] = field(default_factory=dict)
    predictions: dict[str, SplitPredictions] = field(default_factory=dict)

    @classmethod
    def start(
        cls, job: FusableJob, lead: Built, data: EncodedDataset, used: tuple[str, str], environment: Environment
    ) -> FusedRecord:
        """Build a run and write the first files of its record.

        lead: the run that provides the encoder. used: device and precision.
        """
        built = build_on_frozen_encoder(lead, job.config, data.corpus, data.shifts, data.counts)
        built.classifier.to(lead.classifier.device)
        best = best_checkpoint(built, job.job, job.folder)
        recorder = RunRecorder(built.config, job.job, job.folder, built, best, *used)
        recorder.begin(None, environment)
        return cls(job, FusedRun(built.config, built, data.splits, best), recorder)

    def test(self, embeddings: Tensor) -> None:
        """Evaluate the weights of the best epoch on the test sets, and save them.

        Raises:
            FrostlineError: the training of this run has ended early, or a metric is not finite.
        """
        run = self.run
        if run.error is not None:
            raise run.error
        if run.is_trained:
            run.best.best_epoch()  # raises if there is none
            run.load_weights(run.weights)
        self.scores = dict(run.best.values or self._evaluate_split("val", embeddings))
        if run.built.corpus.multi_label:
            self._evaluate_split("val", embeddings)  # chooses the thresholds for the weights of the best epoch
        for split in (*run.built.shifts, "test"):  # test last, because its confusion matrix is recorded
            self.scores |= self._evaluate_split(split, embeddings)
        check_finite(self.scores)
        run.best.save(run.classifier.checkpoint_state.weights())

    def _evaluate_split(self, split: str, embeddings: Tensor) -> dict[str, float]:
        with torch.no_grad():
            texts, classifier = self.run.splits[split], self.run.classifier
            logits = classifier.model.head.eval()(embeddings[texts.rows])
            scores = self.run.evaluate(split, logits)
            if split != "val":
                probabilities = classifier.metrics.probabilities(logits)
                indices = torch.arange(len(texts), device="cpu")
                self.predictions[split] = SplitPredictions(indices, texts.labels.cpu(), probabilities.cpu())
        return {f"{split}/{name}": value for name, value in scores.items()}

    def finish(self, seconds: float, seconds_fit: float, encoded: int) -> dict[str, Any]:
        """Write metrics and result, and return the result.

        seconds, seconds_fit: shares of this run in the total time and in the time of training. encoded: number of texts
            that were encoded for it.
        """
        run, read = self.run, self._texts_read()
        cost = {
            "seconds": seconds,
            "seconds_fit": seconds_fit if run.is_trained else 0.0,
            "texts_read": read,
            "texts_encoded": encoded,
            "texts_from_store": read,
            "peak_memory_bytes": peak_memory(),
        }
        # Curves are logged at the end, one run after the other, because W&B has one active run at a time.
        loggers = make_loggers(self.job.folder, without_wandb(self.job.config), self.job.job)
        try:
            for step, epoch, values in run.curves:
                for logger in loggers:
                    logger.log_metrics({**values, "epoch": float(counted(epoch))}, step)
            self.recorder.finish(self.scores, self.predictions, {}, cost, loggers, run.step)
        except BaseException:
            finish_failed(loggers)
            raise
        return self.job.folder.read_result() or {}

    def _texts_read(self) -> int:
        """Return how many texts the run has read, each as often as it was read."""
        run, texts = self.run, {name: len(split) for name, split in self.run.splits.items()}
        validations = sum(map(run.built.settings.validates, range(run.epoch))) if run.is_trained else 1
        read = texts["train"] * run.epoch + texts["val"] * validations
        if run.is_trained and run.built.corpus.multi_label:
            read += texts["val"]  # for the thresholds of the best epoch
        return read + sum(count for name, count in texts.items() if name not in ("train", "val"))
