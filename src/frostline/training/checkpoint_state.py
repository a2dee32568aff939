"""A network on its way through a plan, as a checkpoint keeps it: what a run changes, and how far it has come."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from frostline.distributed.collectives import gathered
from frostline.errors import FrostlineError
from frostline.freezing.adaptive import PhaseController
from frostline.models.interfaces import FittedHead
from frostline.training.course import PhaseTracker
from frostline.training.network import Network
from frostline.training.phases import PhaseEngine
from frostline.training.sharding import put, whole


class Resumable(Network):
    """Checkpoints hold what learns; the rest is in the encoder's own files, held to them by its fingerprint."""

    def __init__(
        self,
        encoder: nn.Module,
        pooler: nn.Module,
        head: nn.Module,
        engine: PhaseEngine,
        decider: PhaseController | None,
    ) -> None:
        super().__init__(encoder, pooler, head)
        self.strict_loading = False  # so the whole encoder is not missed
        self.engine, self.course = engine, PhaseTracker(engine, decider)
        self.epoch_loss, self.epoch_rows = 0.0, 0
        self.ended: list[dict[str, Any]] = []  # phases that are over

    def learned(self) -> dict[str, Tensor]:
        """What ever learns, and the whole head, by plan name: all that a run changes or draws by chance.

        A collective call where parameters are shared out.
        """
        return {name: whole(value) for name, value in self._kept().items()}

    def _kept(self) -> dict[str, Tensor]:
        plan, named = self.engine.plan, self.engine.parameters
        kept = {name: p.detach() for name, p in named.items() if plan.ever_learns(name) or name.startswith("head.")}
        return kept | {f"head.{name}": buffer for name, buffer in self.head.named_buffers()}

    def restore(self, weights: dict[str, Tensor]) -> None:
        """Put learned weights back.

        Raises:
            FrostlineError: the weights are those of another plan.
        """
        own = self._kept()
        if own.keys() != weights.keys():
            odd = sorted(own.keys() ^ weights.keys())[0]
            raise FrostlineError(f"checkpoint: '{odd}' is on one side only; it was made with another plan")
        for name, value in weights.items():
            if own[name].shape != value.shape and isinstance(self.head, FittedHead):
                own[name].resize_(value.shape)  # how many texts a head keeps, it learns when it is solved
            put(own[name], value)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["state_dict"] = self.learned()
        checkpoint["ended"] = self.ended
        checkpoint["course"] = self.course.state_dict()
        own = [self.texts_read, self.texts_encoded, self.texts_from_store, self.epoch_loss, self.epoch_rows]
        checkpoint["counts"] = gathered(own, self.trainer.world_size)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.restore(checkpoint.pop("state_dict"))
        checkpoint["state_dict"] = {}
        self.ended = checkpoint["ended"]
        self.course.load_state_dict(checkpoint["course"])
        counts = checkpoint["counts"]
        if len(counts) != self.trainer.world_size:  # `devices: auto` on another machine: the first rank has it all
            counts = [[sum(column) for column in zip(*counts, strict=True)], *[[0, 0, 0, 0.0, 0]] * self.global_rank]
        own = counts[self.global_rank]
        self.texts_read, self.texts_encoded, self.texts_from_store, self.epoch_loss, self.epoch_rows = own
