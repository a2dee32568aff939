"""What a model told of each text of its test sets: predictions.parquet, for tests over texts and for pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from frostline.distributed.collectives import gathered
from frostline.results.atomic_files import whole
from frostline.training.evaluated import Evaluated


@dataclass(frozen=True)
class Told:
    """Of one test set: each text's place in it (N,), its label (N,) or labels (N, C), and chances (N, C)."""

    places: Tensor
    labels: Tensor
    chances: Tensor

    def in_order(self) -> Told:
        order = self.places.argsort()
        return Told(self.places[order], self.labels[order], self.chances[order])


class Predictions(pl.Callback):
    """Takes them along, to rank 0, while a set is tested; of a set that is tested again, the last ones."""

    def __init__(self) -> None:
        self.told: dict[str, Told] = {}
        self.batches: list[tuple[Tensor, ...]] = []

    def on_test_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.batches = []

    def on_test_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, *rest: Any
    ) -> None:
        assert isinstance(pl_module, Evaluated)
        kept = batch["weight"] > 0
        chances = pl_module.scores.chances(outputs["outputs"].logits)
        self.batches.append(tuple(part[kept].cpu() for part in (batch["places"], batch["labels"], chances)))

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """A collective call."""
        assert isinstance(pl_module, Evaluated)
        own = [torch.cat(parts) for parts in zip(*self.batches, strict=True)]
        every = gathered(own, trainer.world_size)
        if trainer.is_global_zero:
            self.told[pl_module.tested] = Told(*map(torch.cat, zip(*every, strict=True))).in_order()


def write(path: Path, told: dict[str, Told]) -> None:
    """One row a text of each test set: `set`, `id` its place in the set, `label`, and a chance `p_<class>` each.

    A text of several classes has a list of them as its label.
    """
    import pyarrow as pa
    from pyarrow import parquet

    tables = [pa.table(_columns(name, one)) for name, one in told.items()]
    with whole(path) as beside:
        parquet.write_table(pa.concat_tables(tables), beside, compression="zstd")


def _columns(name: str, told: Told) -> dict[str, Any]:
    import pyarrow as pa

    several = told.labels.dim() > 1
    labels = [row.nonzero().flatten().tolist() for row in told.labels] if several else told.labels.numpy()
    chances = {f"p_{c}": told.chances[:, c].contiguous().numpy() for c in range(told.chances.shape[1])}
    sets = pa.DictionaryArray.from_arrays(pa.array([0] * len(told.places), pa.int32()), pa.array([name]))
    return {"set": sets, "id": told.places.numpy(), "label": labels, **chances}
