"""Predictions of the test sets: predictions.parquet, for paired tests and for figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor

from frostline.data.corpus import Origin
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

    def predicted(self, thresholds: Sequence[float] | None) -> Tensor:
        """Return the predicted classes (N,); of multi-label texts, given a threshold for each class, (N, C) of bool."""
        if thresholds is None:
            return self.probabilities.argmax(dim=1)
        return self.probabilities.double() >= torch.tensor(thresholds, dtype=torch.double)


def confusion_record(matrix: list[list[int]] | None, test: SplitPredictions) -> dict[str, Any]:
    """Return the confusion matrix as result.json has it: without a `matrix` the pairs of classes that occur."""
    if matrix is not None:
        return {"confusion": matrix}
    pairs = np.stack([test.labels.numpy(), test.predicted(None).numpy()])
    cells, texts = np.unique(pairs, axis=1, return_counts=True)
    true, predicted = cells.tolist()
    return {"confusion": None, "confusion_cells": {"true": true, "predicted": predicted, "texts": texts.tolist()}}


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
        columns = batch["indices"], batch["labels"], probabilities
        self.batches.append(tuple(column[counted].cpu() for column in columns))

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Gather the predictions of all ranks. A collective call."""
        assert isinstance(pl_module, Classifier)
        columns = [torch.cat(batches) for batches in zip(*self.batches, strict=True)]
        columns_by_rank = all_gather(columns, trainer.world_size)
        if trainer.is_global_zero:
            predictions = SplitPredictions(*map(torch.cat, zip(*columns_by_rank, strict=True)))
            self.of_split[pl_module.test_split] = predictions.in_order()


@dataclass(frozen=True)
class PredictionContext:
    """What describes predictions: class names, where the texts of each test set come from, and thresholds.

    thresholds: of each class, for multi-label texts.
    """

    classes: Sequence[str]
    origins: Mapping[str, Sequence[Origin] | None]
    thresholds: Sequence[float] | None = None


def write_predictions(path: Path, predictions: Mapping[str, SplitPredictions], context: PredictionContext) -> None:
    """Write one row for each text of each test set to a parquet file.

    Columns: `set`; `id`, the index of the text in the set; `part` and `row`, its row in that part of the data set,
    counted from 1; `label`, the index of its class; `true_class` and `predicted_class`, the names; and a probability
    `p_<class index>` for each class. Of a multi-label text, `label` and both names are lists. The names of all classes
    are in the metadata, which pandas reads as `attrs["classes"]`.
    """
    import pyarrow as pa
    from pyarrow import parquet

    tables = [pa.table(_arrow_columns(name, split, context)) for name, split in predictions.items()]
    metadata = {"PANDAS_ATTRS": json.dumps({"classes": list(context.classes)})}
    table = pa.concat_tables(tables).replace_schema_metadata(metadata)
    repeated = [name for name in table.column_names if name[:2] != "p_"]  # a dictionary of probabilities wastes space
    with atomic_write(path) as temporary:
        parquet.write_table(table, temporary, compression="zstd", use_dictionary=repeated)


def _arrow_columns(name: str, split: SplitPredictions, context: PredictionContext) -> dict[str, Any]:
    predicted = split.predicted(context.thresholds)
    labels = split.labels.numpy() if context.thresholds is None else _class_lists(split.labels)
    columns = range(split.probabilities.shape[1])
    probabilities = {f"p_{c}": split.probabilities[:, c].contiguous().numpy() for c in columns}
    return {
        "set": _dictionary([0] * len(split.index), [name]),
        "id": split.index.numpy(),
        **_origin_columns(split.index.tolist(), context.origins.get(name)),
        "label": labels,
        "true_class": _class_names(split.labels, context),
        "predicted_class": _class_names(predicted, context),
        **probabilities,
    }


def _origin_columns(index: Sequence[int], origins: Sequence[Origin] | None) -> dict[str, Any]:
    """Return the columns `part` and `row`, empty where the origin of the texts is not known."""
    import pyarrow as pa

    chosen = [None if origins is None else origins[i] for i in index]
    parts = pa.array([origin and origin.part for origin in chosen], pa.string()).dictionary_encode()
    return {"part": parts, "row": pa.array([origin and origin.row for origin in chosen], pa.int64())}


def _class_names(labels: Tensor, context: PredictionContext) -> Any:
    """Return the names of class indices (N,), or lists of names of multi-label rows (N, C)."""
    if context.thresholds is None:
        return _dictionary(labels.tolist(), context.classes)
    return [[context.classes[c] for c in row] for row in _class_lists(labels)]


def _class_lists(labels: Tensor) -> list[list[int]]:
    return [row.nonzero().flatten().tolist() for row in labels]


def _dictionary(indices: Sequence[int], values: Sequence[str]) -> Any:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(values, pa.string()))
