"""Predictions of the test sets: predictions.parquet, for paired tests and for figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from frostline.distributed.collectives import all_gather
from frostline.results.atomic_files import atomic_write
from frostline.training.classifier import Classifier


@dataclass(frozen=True)
class SplitPredictions:
    """The predictions for one test set: indices of its texts (N,), labels (N,) or (N, C), and probabilities (N, C)."""

    index: Tensor
    labels: Tensor
    probabilities: Tensor

    def in_order(self) -> SplitPredictions:
        """Return the same, sorted by the indices of the texts."""
        order = self.index.argsort()
        return SplitPredictions(self.index[order], self.labels[order], self.probabilities[order])


class Predictions(pl.Callback):
    """Collects the predictions of each test set on rank 0. A set that is tested again replaces its earlier ones."""

    def __init__(self) -> None:
        self.of_split: dict[str, SplitPredictions] = {}
        self.batches: list[tuple[Tensor, ...]] = []

    def on_test_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.batches = []

    def on_test_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, *args: Any
    ) -> None:
        assert isinstance(pl_module, Classifier)
        counted = batch["weight"] > 0
        probabilities = pl_module.metrics.probabilities(outputs["outputs"].logits)
        columns = batch["places"], batch["labels"], probabilities
        self.batches.append(tuple(column[counted].cpu() for column in columns))

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Gather the predictions of all ranks. A collective call."""
        assert isinstance(pl_module, Classifier)
        columns = [torch.cat(batches) for batches in zip(*self.batches, strict=True)]
        columns_by_rank = all_gather(columns, trainer.world_size)
        if trainer.is_global_zero:
            predictions = SplitPredictions(*map(torch.cat, zip(*columns_by_rank, strict=True)))
            self.of_split[pl_module.test_split] = predictions.in_order()


def write_predictions(path: Path, predictions: dict[str, SplitPredictions]) -> None:
    """Write one row for each text of each test set to a parquet file.

    Columns: `set`, `id` (the index of the text in the set), `label`, and a probability `p_<class index>` for each
    class. The label of a multi-label text is the list of its classes.
    """
    import pyarrow as pa
    from pyarrow import parquet

    tables = [pa.table(_arrow_columns(name, split)) for name, split in predictions.items()]
    with atomic_write(path) as temporary:
        parquet.write_table(pa.concat_tables(tables), temporary, compression="zstd")


def _arrow_columns(name: str, split: SplitPredictions) -> dict[str, Any]:
    import pyarrow as pa

    multi_label = split.labels.dim() > 1
    labels = [row.nonzero().flatten().tolist() for row in split.labels] if multi_label else split.labels.numpy()
    classes = range(split.probabilities.shape[1])
    probabilities = {f"p_{c}": split.probabilities[:, c].contiguous().numpy() for c in classes}
    sets = pa.DictionaryArray.from_arrays(pa.array([0] * len(split.index), pa.int32()), pa.array([name]))
    return {"set": sets, "id": split.index.numpy(), "label": labels, **probabilities}
