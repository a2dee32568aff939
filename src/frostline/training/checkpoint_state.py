"""What a checkpoint keeps of a run: the weights that it changes, its phase, and its counters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from frostline.distributed.collectives import all_gather
from frostline.errors import FrostlineError
from frostline.models.interfaces import FittedHead
from frostline.models.model import Model
from frostline.training.fsdp import copy_full, full_tensor
from frostline.training.phases import PhaseTracker


@dataclass
class EpochLoss:
    """The training loss of the current epoch on this rank: its sum over texts, and their number."""

    total: float = 0.0
    texts: int = 0


class CheckpointState:
    """Reads and restores what a run changes.

    A checkpoint has the trained parameters and the whole head. The frozen rest is in the files of the encoder,
    whose fingerprint a run checks when it resumes.
    """

    def __init__(self, model: Model, tracker: PhaseTracker) -> None:
        self.model, self.tracker = model, tracker
        self.epoch_loss = EpochLoss()

    def weights(self) -> dict[str, Tensor]:
        """Return all that a run trains or initialises at random, by plan name: parameters ever trained, and the head.

        This is a collective call where parameters are sharded.
        """
        saved = self._saved_tensors()
        return {name: full_tensor(value) for name, value in saved.items()} if self.model.sharded else saved

    def _saved_tensors(self) -> dict[str, Tensor]:
        plan, parameters = self.tracker.engine.plan, self.tracker.engine.parameters.items()
        saved = {name: p.detach() for name, p in parameters if plan.ever_trains(name) or name.startswith("head.")}
        return saved | {f"head.{name}": buffer for name, buffer in self.model.head.named_buffers()}

    def restore(self, weights: dict[str, Tensor]) -> None:
        """Copy `weights`, as `weights()` returned them, into the model.

        Raises:
            FrostlineError: the weights belong to another plan.
        """
        tensors = self._saved_tensors()
        if tensors.keys() != weights.keys():
            name = sorted(tensors.keys() ^ weights.keys())[0]
            raise FrostlineError(f"checkpoint: '{name}' is on one side only; it was made with another plan")
        for name, value in weights.items():
            if tensors[name].shape != value.shape and isinstance(self.model.head, FittedHead):
                tensors[name].resize_(value.shape)  # the number of texts that a head keeps is known when it is fitted
            if self.model.sharded:
                copy_full(tensors[name], value)
            else:
                tensors[name].copy_(value)

    def save(self, checkpoint: dict[str, Any], ranks: int) -> None:
        """Write the state into `checkpoint`. A collective call."""
        checkpoint["state_dict"] = self.weights()
        checkpoint["phases"] = self.tracker.state_dict()
        checkpoint["counts"] = all_gather(self._counts(), ranks)

    def load(self, checkpoint: dict[str, Any], rank: int, ranks: int) -> None:
        """Restore the state from `checkpoint`, in which an empty state_dict remains for Lightning."""
        self.restore(checkpoint.pop("state_dict"))
        checkpoint["state_dict"] = {}
        self.tracker.load_state_dict(checkpoint["phases"])
        counts = checkpoint["counts"]
        if len(counts) != ranks:  # with trainer.devices=auto on another machine: the first rank has all counts
            counts = [[sum(column) for column in zip(*counts, strict=True)], *[[0, 0, 0, 0.0, 0]] * rank]
        model, loss = self.model, self.epoch_loss
        model.texts_read, model.texts_encoded, model.texts_from_store, loss.total, loss.texts = counts[rank]

    def _counts(self) -> list[float]:
        model, loss = self.model, self.epoch_loss
        return [model.texts_read, model.texts_encoded, model.texts_from_store, loss.total, loss.texts]
