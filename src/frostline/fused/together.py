"""Runs that share an encoder at rest: one encoding, one training of all heads, and a whole record for each."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from frostline.account import Account
from frostline.compose.build import build_beside
from frostline.compose.corpora import load_shifts, prepared, source_of
from frostline.compose.making import make
from frostline.costs import peak_memory
from frostline.errors import UserError
from frostline.fit import Fit
from frostline.fused.pupil import Part, Pupil
from frostline.fused.texts import SharedTexts
from frostline.fused.training import Class
from frostline.loggers.choose import choose
from frostline.loggers.ending import fail
from frostline.progress import Progress, say
from frostline.roles import Fitted
from frostline.store import environment
from frostline.store.folder import RunFolder
from frostline.store.identity import run_id, title
from frostline.train import begin, note_failure, stored
from frostline.types import Config, Corpus, Shift

Outcome = dict[str, Any] | Exception  # a run's result, or why it has none
AT_ONCE = 256  # runs whose folders are open at a time


@dataclass(frozen=True)
class Task:
    """One run to be: resolved config, its job (`id`, `choices`, `overrides`), and its folder."""

    config: Config
    job: dict[str, Any]
    place: RunFolder

    @classmethod
    def of(cls, config: Config, choices: dict[str, str], overrides: list[str], folder: Path) -> Task:
        return cls(config, {"id": run_id(config), "choices": choices, "overrides": overrides}, RunFolder(folder))


@dataclass
class Work:
    """A run under way."""

    task: Task
    pupil: Pupil
    account: Account


class Together:
    """Tasks that agree on encoder, pooler and source of texts; the first one's encoder is that of all."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        lead = tasks[0]
        self.fit = Fit(lead.config, lead.job, lead.place, 1)
        model, trainer = self.fit.classifier, self.fit.trainer
        model.trainer = trainer
        trainer.strategy.connect(model)
        model.to(trainer.strategy.root_device)
        model.engine.enter(0)
        self.texts = SharedTexts(self.fit.below, model.encoder, lead.config["dataset"]["max_length"])
        self.raw: Any = None
        self.data: dict[str, tuple[Corpus, dict[str, Shift], dict[str, Part]]] = {
            _key(lead.config["dataset"]): self._placed(self.fit.built.corpus, self.fit.built.shifts)
        }
        self.around = environment.look()

    # Texts

    def _placed(self, corpus: Corpus, shifts: dict[str, Shift]) -> tuple[Corpus, dict[str, Shift], dict[str, Part]]:
        splits = {"train": corpus.train, "val": corpus.val, "test": corpus.test}
        splits |= {name: shift.split for name, shift in shifts.items()}
        tokens = self.fit.built.tokens
        return corpus, shifts, {name: self.texts.part(name, split, tokens) for name, split in splits.items()}

    def _data(self, dataset: Config) -> tuple[Corpus, dict[str, Shift], dict[str, Part]]:
        if (key := _key(dataset)) not in self.data:
            self.raw = self.raw or make(source_of(dataset)).load()
            corpus = prepared(self.raw, dataset)
            self.data[key] = self._placed(corpus, load_shifts(dataset, corpus))
        return self.data[key]

    # Runs

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Each task's result, or why it has none."""
        found: dict[int, Outcome] = {}
        for first in range(0, len(tasks), AT_ONCE):
            with ExitStack() as held:
                begun = time.monotonic()
                works: dict[int, Work] = {}
                for place in range(first, min(first + AT_ONCE, len(tasks))):
                    try:
                        held.enter_context(tasks[place].place.claimed(tasks[place].job))
                        if (result := stored(tasks[place].place, tasks[place].job)) is not None:
                            found[place] = result
                            continue
                        begin(tasks[place].place, tasks[place].config)
                        works[place] = self._begun(tasks[place])
                    except Exception as error:
                        found[place] = _failed(tasks[place], error)
                self._learn(list(works.values()))
                for place, work in works.items():
                    seconds = (time.monotonic() - begun) / len(works)
                    try:
                        found[place] = self._finish(work, seconds)
                    except Exception as error:
                        found[place] = _failed(work.task, error)
        return [found[place] for place in range(len(tasks))]

    def _begun(self, task: Task) -> Work:
        corpus, shifts, parts = self._data(task.config["dataset"])
        built = build_beside(self.fit.built, task.config, corpus, shifts)
        about = {"encoder": built.encoder_fingerprint, "id": task.job["id"]}
        best = type(self.fit.best)(task.place, built.settings.monitor, about)
        device = str(self.fit.trainer.strategy.root_device)
        account = Account(task.config, task.job, task.place, built, best, device)
        account.begin(None, self.around)
        return Work(task, Pupil(task.config, built, parts, best), account)

    def _learn(self, works: Sequence[Work]) -> None:
        pupils = [work.pupil for work in works]
        learners = [pupil for pupil in pupils if pupil.learns]
        classes: dict[str, list[Pupil]] = {}
        for pupil in learners:
            classes.setdefault(pupil.kind, []).append(pupil)
        steps = sum(pupil.steps_an_epoch * pupil.built.settings.max_epochs for pupil in learners)
        if learners:
            say(works[0].account.planned)
            with Progress(f"training {len(learners)} heads", steps, "steps") as bar:
                for own in classes.values():
                    Class(own, self.texts.vectors).learn(bar.update)
        for pupil in pupils:
            if not pupil.learns and isinstance(head := pupil.classifier.head, Fitted):
                train = pupil.parts["train"]
                head.fit(self.texts.vectors[train.places], train.labels)

    # Records

    def _finish(self, work: Work, seconds: float) -> dict[str, Any]:
        task, pupil = work.task, work.pupil
        if pupil.failed is not None:
            raise pupil.failed
        if pupil.learns:
            pupil.take(pupil.weights)
        scores = dict(pupil.best.values or self._scored(pupil, "val"))
        if pupil.built.corpus.multi_label:
            self._scored(pupil, "val")
        for split in (*pupil.built.shifts, "test"):
            scores |= self._scored(pupil, split)
        pupil.best.save(pupil.classifier.learned())
        loggers = self._told(task, pupil)
        try:
            work.account.finish(scores, {}, self._cost(pupil, seconds), loggers, pupil.step)
        except BaseException:
            fail(loggers)
            raise
        result: dict[str, Any] = task.place.read_result() or {}
        return result

    def _scored(self, pupil: Pupil, split: str) -> dict[str, float]:
        texts = self.texts.vectors[pupil.parts[split].places]
        head = pupil.classifier.head.eval()
        with torch.no_grad():
            return pupil.scored(split, head(texts))

    def _told(self, task: Task, pupil: Pupil) -> list[Any]:
        """The run's loggers, told after the fact what they would have been told in its course."""
        config, job = task.config, task.job
        name = title(config, job["choices"], job["overrides"])
        shown = config | {"choices": job["choices"], "id": job["id"]}
        loggers = choose(task.place, config["study"], name, shown, **config["logger"])
        for step, epoch, values in pupil.curves:
            for logger in loggers:
                logger.log_metrics({**values, "epoch": float(epoch)}, step)
        return loggers

    def _cost(self, pupil: Pupil, seconds: float) -> dict[str, Any]:
        """Its share of the seconds that all took; the first run to end has encoded the texts."""
        parts = {name: len(part) for name, part in pupil.parts.items()}
        tested = sum(count for name, count in parts.items() if name not in ("train", "val"))
        each = (parts["train"] + parts["val"]) * pupil.epoch if pupil.learns else parts["val"]
        encoded, self.fit.classifier.texts_encoded = self.fit.classifier.texts_encoded, 0
        return {
            "seconds": seconds,
            "seconds_fit": seconds if pupil.learns else 0.0,
            "texts_read": each + tested,
            "texts_encoded": encoded,
            "texts_from_store": each + tested,
            "peak_memory_bytes": peak_memory(),
        }


def _failed(task: Task, error: Exception) -> Exception:
    if not isinstance(error, UserError) or task.place.config.exists():  # a folder that is another's is left as it is
        note_failure(task.place, error)
    return error


def _key(dataset: Config) -> str:
    return json.dumps(dataset, sort_keys=True, default=str)
