"""Runs that share an encoder at rest: one encoding, one training of all heads, and a whole record for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path

import torch

from frostline.console import Progress
from frostline.errors import UserError
from frostline.models.interfaces import FittedHead
from frostline.results import environment
from frostline.results.atomic_files import written_together
from frostline.sweeps.fused import wandb_table as table
from frostline.sweeps.fused.cohort import FusedTrainer
from frostline.sweeps.fused.member import FusedRun
from frostline.sweeps.fused.record import FusedRecord
from frostline.sweeps.fused.shared_texts import SharedTexts
from frostline.sweeps.fused.stacked_heads import objection
from frostline.sweeps.fused.task import NotFusable, Outcome, Task
from frostline.training.build import build
from frostline.training.data_module import DataModule
from frostline.training.lifecycle import record_failure, start, stored_result
from frostline.training.trainer import attach, make_trainer

AT_ONCE = 256  # runs whose folders are open at a time
TRIED = 4  # texts on which it is tried whether heads can be stacked


def train(tasks: Sequence[Task], sweep: Path) -> list[Outcome]:
    """Tasks that agree on encoder, pooler and source of texts -> what came of each, in order.

    sweep: the folder of the sweep's own files.
    """
    found: list[Outcome | None] = [stored_result(task.place, task.job) for task in tasks]
    left = [i for i, result in enumerate(found) if result is None]
    together = FusedSweep(tasks[left[0]]) if left else None
    for first in range(0, len(left), AT_ONCE):
        places = left[first : first + AT_ONCE]
        assert together is not None
        for place, outcome in zip(places, together.run([tasks[place] for place in places]), strict=True):
            found[place] = outcome
    ended = [outcome for outcome in found if outcome is not None]
    results = [(task, own) for task, own in zip(tasks, ended, strict=True) if isinstance(own, dict)]
    if results and table.wanted(tasks[0].config):
        table.tell(results, sweep / f"table-{tasks[0].place.path.name}")
    return ended


class FusedSweep:
    """lead: the run whose encoder is that of all."""

    def __init__(self, lead: Task) -> None:
        self.built = build(lead.config)
        data = DataModule(self.built, lead.config)
        trainer = make_trainer(self.built.settings, self.built.plan, 1, loggers=False, callbacks=())
        attach(self.built.classifier, trainer, data)
        self.built.classifier.engine.enter(0)
        self.device: torch.device = trainer.strategy.root_device
        self.texts = SharedTexts(data.frozen_states, self.built, lead.config["dataset"])
        self.around = environment.look()

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """A run that fails takes no other with it."""
        began = time.monotonic()
        self.around = replace(self.around, told=self.around.told | {"together": len(tasks)})
        ended: list[Outcome | None] = [None] * len(tasks)
        records: dict[int, FusedRecord] = {}

        def each(places: Iterable[int], act: Callable[[int], Outcome | None]) -> list[int]:
            """Those of the places that are not ended after it."""
            with written_together():
                for place in places:
                    try:
                        ended[place] = act(place)
                    except Exception as error:
                        ended[place] = _failed(tasks[place], error)
            return [place for place in places if ended[place] is None]

        with ExitStack() as held:
            begun = each(range(len(tasks)), lambda place: self._begin(held, tasks[place], place, records))
            fitting = time.monotonic()
            self._learn([records[place].pupil for place in begun])
            fitted = (time.monotonic() - fitting) / max(len(begun), 1)
            with self._there():
                left = each(begun, lambda place: records[place].leave(self.texts.vectors))
            seconds = (time.monotonic() - began) / max(len(left), 1)
            each(left, lambda place: records[place].finish(seconds, fitted, self._encoded()))
        return [outcome for outcome in ended if outcome is not None]

    def _begin(self, held: ExitStack, task: Task, place: int, records: dict[int, FusedRecord]) -> Outcome | None:
        """The result of a run that another process has completed by now; the others are under way."""
        held.enter_context(task.place.claimed(task.job))
        if (result := stored_result(task.place, task.job)) is not None:
            return result
        start(task.place, task.config)
        data = self.texts.of(task.config["dataset"])
        records[place] = FusedRecord.begin(task, self.built, data, str(self.device), self.around)
        return None

    def _learn(self, pupils: Sequence[FusedRun]) -> None:
        kinds: dict[str, list[FusedRun]] = {}
        for pupil in pupils:
            if pupil.learns:
                kinds.setdefault(pupil.kind, []).append(pupil)
            elif isinstance(head := pupil.classifier.model.head, FittedHead):
                train = pupil.parts["train"]
                head.fit(self.texts.vectors[train.places].cpu(), train.labels.cpu())
        heads = sum(map(len, kinds.values()))
        steps = sum(p.steps_an_epoch * p.built.settings.max_epochs for own in kinds.values() for p in own)
        with Progress(f"training {heads} heads", steps, "steps") as bar, self._there():
            for own in kinds.values():
                if why := objection([pupil.classifier.model.head for pupil in own], self.texts.vectors[:TRIED]):
                    for pupil in own:
                        pupil.failed = NotFusable(f"its head cannot be stacked: {why}")
                else:
                    FusedTrainer(own, self.texts.vectors).learn(bar.update)

    def _there(self) -> AbstractContextManager[object]:
        """Within it tensors are made where the encoder is, and so the heads and their texts."""
        return nullcontext() if self.device.type == "cpu" else self.device

    def _encoded(self) -> int:
        """Texts that the encoder has read since this was last asked: they are on the next run's account."""
        model = self.built.model
        found, model.texts_encoded = model.texts_encoded, 0
        return found


def _failed(task: Task, error: Exception) -> Exception:
    if not isinstance(error, UserError | NotFusable):  # such as a folder that is another run's, which is left as it is
        record_failure(task.place, error)
    return error
