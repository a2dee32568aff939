"""Runs over one frozen encoder, trained together: texts are encoded once, and each run gets a complete record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path

import torch

from frostline.config.inputs import raise_if_changed
from frostline.console import Progress, log
from frostline.errors import UserError
from frostline.models.interfaces import FittedHead
from frostline.results.atomic_files import synchronised_once
from frostline.results.environment import capture
from frostline.sweeps.fused.member import FusedRun
from frostline.sweeps.fused.record import FusedRecord
from frostline.sweeps.fused.shared_texts import SharedTexts
from frostline.sweeps.fused.stacked_heads import incompatibility
from frostline.sweeps.fused.task import FusableJob, NotFusable, Result
from frostline.sweeps.fused.trainer import FusedTrainer
from frostline.sweeps.fused.wandb_table import is_table_wanted, log_table
from frostline.training.build import build, data_messages
from frostline.training.data_module import DataModule
from frostline.training.lifecycle import record_failure, start, stored_result
from frostline.training.trainer import attach, make_trainer

MAX_OPEN_RUNS = 256  # whose folders are locked at a time
PROBE_TEXTS = 4  # on which it is tried whether heads can be stacked


def train_fused(jobs: Sequence[FusableJob], sweep: Path) -> list[Result]:
    """Train jobs that have the same encoder, pooler and source of texts. Return their results in order.

    sweep: the folder of the sweep.
    """
    results: dict[int, Result] = {}
    for i, job in enumerate(jobs):
        if (complete := stored_result(job.folder, job.job)) is not None:
            results[i] = complete
    left = [i for i in range(len(jobs)) if i not in results]
    fused = FusedSweep(jobs[left[0]]) if left else None
    for first in range(0, len(left), MAX_OPEN_RUNS):
        chunk = left[first : first + MAX_OPEN_RUNS]
        assert fused is not None
        results |= zip(chunk, fused.train([jobs[i] for i in chunk]), strict=True)
    runs = [(job, result) for i, job in enumerate(jobs) if isinstance(result := results[i], dict)]
    if runs and is_table_wanted(jobs[0].config):
        log_table(runs, sweep / f"table-{jobs[0].folder.path.name}")
    return [results[i] for i in range(len(jobs))]


class FusedSweep:
    """The encoder and the encoded texts of a fused sweep. lead: the job whose encoder all jobs use."""

    def __init__(self, lead: FusableJob) -> None:
        self.built = build(lead.config)
        raise_if_changed(lead.config)
        data = DataModule(self.built, lead.config)
        trainer = make_trainer(self.built.settings, self.built.plan, 1, loggers=False, callbacks=())
        attach(self.built.classifier, trainer, data)
        self.built.classifier.engine.enter(0)
        self.device: torch.device = trainer.strategy.root_device
        self.used = str(self.device), str(trainer.precision)
        self.texts = SharedTexts(data.frozen_states, self.built, lead.config["dataset"])
        self.environment = capture()
        for message in data_messages(self.built, lead.config):
            log(message)

    def train(self, jobs: Sequence[FusableJob]) -> list[Result]:
        """Train jobs together and return their results in order. A job that fails does not affect the others."""
        started = time.monotonic()
        self.environment = replace(self.environment, values=self.environment.values | {"together": len(jobs)})
        results: dict[int, Result] = {}
        records: dict[int, FusedRecord] = {}

        def for_each(indices: Iterable[int], action: Callable[[int], Result | None]) -> list[int]:
            """Apply an action to jobs and return those that have no result after it."""
            with synchronised_once():
                for i in indices:
                    try:
                        result = action(i)
                    except Exception as error:
                        result = _failure(jobs[i], error)
                    if result is not None:
                        results[i] = result
            return [i for i in indices if i not in results]

        with ExitStack() as locks:
            started_jobs = for_each(range(len(jobs)), lambda i: self._start(locks, jobs[i], i, records))
            fitting = time.monotonic()
            self._fit_heads([records[i].run for i in started_jobs])
            seconds_fit = (time.monotonic() - fitting) / max(len(started_jobs), 1)
            with self._on_device():
                tested = for_each(started_jobs, lambda i: records[i].test(self.texts.embeddings))
            seconds = (time.monotonic() - started) / max(len(tested), 1)
            for_each(tested, lambda i: records[i].finish(seconds, seconds_fit, self._count_encoded()))
        return [results[i] for i in range(len(jobs))]

    def _start(self, locks: ExitStack, job: FusableJob, index: int, records: dict[int, FusedRecord]) -> Result | None:
        """Lock a run's folder and start its record. Return the result if another process has completed the run."""
        locks.enter_context(job.folder.claimed(job.job))
        if (result := stored_result(job.folder, job.job)) is not None:
            return result
        start(job.folder, job.config)
        data = self.texts.encode_dataset(job.config["dataset"])
        raise_if_changed(job.config)
        records[index] = FusedRecord.start(job, self.built, data, self.used, self.environment)
        return None

    def _fit_heads(self, runs: Sequence[FusedRun]) -> None:
        """Train the heads, those of one architecture together; closed-form heads are fitted one by one."""
        stacks: dict[str, list[FusedRun]] = {}
        for run in runs:
            if run.is_trained:
                stacks.setdefault(run.stack_key, []).append(run)
            elif isinstance(head := run.classifier.model.head, FittedHead):
                train_fused = run.splits["train"]
                head.fit(self.texts.embeddings[train_fused.rows].cpu(), train_fused.labels.cpu())
        heads = sum(map(len, stacks.values()))
        steps = sum(run.steps_per_epoch * run.built.settings.max_epochs for stack in stacks.values() for run in stack)
        with Progress(f"training {heads} heads", steps, "steps") as bar, self._on_device():
            for stack in stacks.values():
                self._fit_stack(stack, bar)

    def _fit_stack(self, runs: Sequence[FusedRun], bar: Progress) -> None:
        embeddings = self.texts.embeddings
        if reason := incompatibility([run.classifier.model.head for run in runs], embeddings[:PROBE_TEXTS]):
            for run in runs:
                run.error = NotFusable(f"its head cannot be stacked: {reason}")
        else:
            FusedTrainer(runs, embeddings).fit(bar.update)

    def _on_device(self) -> AbstractContextManager[object]:
        """Return a context in which new tensors are on the encoder's device."""
        return nullcontext() if self.device.type == "cpu" else self.device

    def _count_encoded(self) -> int:
        """Return the number of texts encoded since the last call; the first run to ask has them in its cost."""
        model = self.built.model
        count, model.texts_encoded = model.texts_encoded, 0
        return count


def _failure(job: FusableJob, error: Exception) -> Exception:
    if not isinstance(error, UserError | NotFusable):  # a UserError may be about a folder that belongs to another run
        record_failure(job.folder, error)
    return error
