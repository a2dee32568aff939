"""What a head on a language model saw of the home test set beside its scores, taken along while it is tested."""

from __future__ import annotations

import math
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor

from frostline.console import Progress
from frostline.data.batches import reading_order, share_batches
from frostline.data.tokens import read
from frostline.distributed.collectives import summed
from frostline.models.interfaces import Recorded
from frostline.training.classifier import Classifier
from frostline.types import Config, Split

SEED = 7  # of the tokens that a masked model must tell: of no other chance, the same for every run


class LanguageModelRecord(pl.Callback):
    """Each text counts once, on any number of ranks; one that only fills a rank's place does not.

    It has nothing to do where the head is not `Recorded`. limit: at most so many batches a rank.
    """

    def __init__(self, classifier: Classifier, test: Split, dataset: Config, limit: int | None) -> None:
        self.head = classifier.head if isinstance(classifier.head, Recorded) else None
        self.batch_size, self.limit = dataset["batch_size"], limit
        self.record: dict[str, Any] = {}
        self.sums: Tensor | None = None
        if self.head is not None:
            encoder: Any = classifier.encoder  # known by its role alone: it tokenizes too
            self.plain = read(test, encoder.tokenize, dataset["max_length"], encoder.pad_id, "plain texts")

    def on_test_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.sums = None

    def on_test_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, *rest: Any
    ) -> None:
        if self.head is None:
            return
        rows = self.head.observe(outputs["outputs"], batch["labels"]).double()
        weight = batch["weight"].double()
        found = torch.cat([(rows * weight[:, None]).sum(dim=0), weight.sum()[None]])
        self.sums = found if self.sums is None else self.sums + found

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """A collective call."""
        assert isinstance(pl_module, Classifier)
        if self.head is None or self.sums is None or pl_module.tested != "test":
            return
        *sums, texts = summed(self.sums, trainer.world_size).tolist()
        surprise, tokens = summed(self._surprise(pl_module, self.head), trainer.world_size).tolist()
        perplexity = math.exp(surprise / tokens) if tokens else math.nan
        self.record = {self.head.record: self.head.recorded([each / texts for each in sums], perplexity)}

    def _surprise(self, model: Classifier, head: Recorded) -> Tensor:
        """Of this rank's texts: their summed surprise and the number of tokens (2,)."""
        trainer = model.trainer
        batches = reading_order(self.plain.lengths, self.batch_size)
        mine = share_batches(batches, trainer.global_rank, trainer.world_size)[: self.limit]
        found = torch.zeros(2, dtype=torch.double, device=model.device)
        with Progress("reading test", len(self.plain)) as bar:
            for rows in filter(lambda rows: rows.counted, mine):
                ids, mask = (part.to(model.device) for part in self.plain.padded(rows.index))
                draws = [np.random.default_rng([SEED, row]).random(ids.shape[1]) for row in rows.index.tolist()]
                chances = torch.from_numpy(np.stack(draws)).to(model.device)
                with trainer.precision_plugin.forward_context():
                    found += head.surprise(model.encoder, ids, mask, chances).double().sum(dim=0)
                model.texts_encoded += rows.counted
                bar.update(rows.counted)
        return found
