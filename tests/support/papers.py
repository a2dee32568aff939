"""What each paper says learns, when and how fast, written by hand and apart from the strategies: a few words each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Where:
    """A parameter's place. part: embeddings, layer, final or head; layer: from 0 at the input side, of `layers`."""

    part: str
    layer: int
    layers: int
    norm: bool
    bias: bool

    @property
    def step(self) -> int:
        """Down from the head, which is 0: what stands above the top layer goes with it, the embeddings are the last."""
        return {"head": 0, "final": 1, "layer": self.layers - self.layer, "embeddings": self.layers + 1}[self.part]


@dataclass(frozen=True)
class Said:
    """rate: the multiplier of a parameter in an epoch, None for frozen. restarts: epochs that begin anew."""

    rate: Callable[[Where, int], float | None]
    restarts: Callable[[int], range] = lambda layers: range(0)


def those(chosen: Callable[[Where], bool]) -> Said:
    """The chosen ones learn at the base rate in every epoch."""
    return Said(lambda w, epoch: 1.0 if chosen(w) else None)


def chained(w: Where, epoch: int) -> float | None:
    """Epoch 0: the head. Then the embeddings, layer 0, layer 1 ... the top one, each alone. Then all."""
    alone = 0 if w.part == "head" else w.layers + 2 - w.step
    return {True: 1.0 if epoch == 0 else 0.1, False: None}[epoch == alone or epoch > w.layers + 1]


def unchained_tables(w: Where, epoch: int) -> float | None:
    alone = 0 if w.part == "head" else w.layers + 1 - w.step
    return None if w.part == "embeddings" or not (epoch == alone or epoch > w.layers) else 1.0 if epoch == 0 else 0.5


SAID: dict[str, Said] = {  # by the words of the command line
    "freezing=direct": those(lambda w: False),
    "freezing=frozen": those(lambda w: w.part == "head"),
    "freezing=full": those(lambda w: True),
    "freezing=full freezing.layer_decay=0.5": Said(lambda w, epoch: 0.5**w.step),
    "freezing=top_k": those(lambda w: w.step <= 1),
    "freezing=top_k freezing.norms=true": those(lambda w: w.step <= 1 or w.norm),
    "freezing=top_k freezing.layer_decay=0.9": Said(lambda w, epoch: 0.9**w.step if w.step <= 1 else None),
    "freezing=bottom_k": those(lambda w: w.part in ("head", "embeddings") or (w.part, w.layer) == ("layer", 0)),
    "freezing=bottom_k freezing.thaw_embeddings=false freezing.norms=true": those(
        lambda w: w.part == "head" or (w.part, w.layer) == ("layer", 0) or w.norm
    ),
    "freezing=surgical": those(lambda w: w.part == "head" or (w.part, w.layer) == ("layer", 0)),
    "freezing=surgical freezing.first=embeddings freezing.last=0 freezing.head=false": those(
        lambda w: w.part == "embeddings" or (w.part, w.layer) == ("layer", 0)
    ),
    "freezing=surgical freezing.first=layer.0 freezing.last=encoder.layer.0 freezing.norms=true": those(
        lambda w: w.part == "head" or (w.part, w.layer) == ("layer", 0) or w.norm
    ),
    "freezing=embeddings_frozen": those(lambda w: w.part != "embeddings"),
    "freezing=bitfit": those(lambda w: w.part == "head" or w.bias),
    "freezing=layer_norm": those(lambda w: w.part == "head" or w.norm),
    "freezing=discriminative": Said(lambda w, epoch: 1 / 2.6**w.step),
    "freezing=gradual": Said(lambda w, epoch: 1.0 if w.step <= epoch else None),
    "freezing=gradual freezing.factor=2.6": Said(lambda w, epoch: 1 / 2.6**w.step if w.step <= epoch else None),
    "freezing=gradual freezing.thaw_embeddings=false freezing.epochs_per_thaw=2": Said(
        lambda w, epoch: 1.0 if w.step <= epoch // 2 and w.part != "embeddings" else None
    ),
    "freezing=chain_thaw": Said(chained, restarts=lambda layers: range(1, layers + 3)),
    "freezing=chain_thaw freezing.thaw_embeddings=false freezing.next_rate=0.5": Said(
        unchained_tables, restarts=lambda layers: range(1, layers + 2)
    ),
    "freezing=lp_ft freezing.probe_epochs=2": Said(
        lambda w, epoch: 0.05 if epoch >= 2 else 1.0 if w.part == "head" else None, restarts=lambda layers: range(2, 3)
    ),
}
