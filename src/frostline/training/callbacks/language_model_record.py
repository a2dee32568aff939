"""What a language-model head reports of the in-domain test set in addition to its scores, such as the perplexity."""

from __future__ import annotations

import math
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor

from frostline.console import Progress
from frostline.data.batches import reading_order, share_batches
from frostline.data.corpus import Split
from frostline.data.tokens import tokenize_split
from frostline.distributed.collectives import all_reduce
from frostline.models.interfaces import RecordedHead
from frostline.training.classifier import Classifier
from frostline.types import Config

SEED = 7  # selects the tokens that a masked language model predicts; the same for every run


class LanguageModelRecord(pl.Callback):
    """Collects the record of a head.

    Each text counts once on any number of ranks. limit: at most this many batches on each rank.

    Attributes:
        record: the entry for result.json, under the key of the head.
    """

    def __init__(self, head: RecordedHead, encoder: Any, test: Split, dataset: Config, limit: int | None) -> None:
        self.head = head
        self.batch_size, self.limit = dataset["batch_size"], limit
        self.record: dict[str, Any] = {}
        self.sums: Tensor | None = None
        self.plain_texts = tokenize_split(test, encoder.tokenize, dataset["max_length"], encoder.pad_id, "plain texts")

    def on_test_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.sums = None

    def on_test_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, *args: Any
    ) -> None:
        observed = self.head.observe(outputs["outputs"], batch["labels"]).double()
        weight = batch["weight"].double()
        sums = torch.cat([(observed * weight[:, None]).sum(dim=0), weight.sum()[None]])
        self.sums = sums if self.sums is None else self.sums + sums

    def on_test_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take means over the texts of all ranks. A collective call."""
        assert isinstance(pl_module, Classifier)
        if self.sums is None or pl_module.test_split != "test":
            return
        *sums, texts = all_reduce(self.sums, trainer.world_size).tolist()
        nll, tokens = all_reduce(self._token_nll(pl_module), trainer.world_size).tolist()
        perplexity = math.exp(nll / tokens) if tokens else math.nan
        self.record = {self.head.record: self.head.summarise([value / texts for value in sums], perplexity)}

    def _token_nll(self, classifier: Classifier) -> Tensor:
        """Return the summed negative log-likelihood of this rank's test texts and their number of tokens (2,)."""
        trainer, device = classifier.trainer, classifier.device
        batches = reading_order(self.plain_texts.lengths, self.batch_size)
        rank_batches = share_batches(batches, trainer.global_rank, trainer.world_size)[: self.limit]
        total = torch.zeros(2, dtype=torch.double, device=device)
        with Progress("reading test", len(self.plain_texts)) as bar:
            for rows in filter(lambda rows: rows.counted, rank_batches):
                ids, mask = (tensor.to(device) for tensor in self.plain_texts.padded(rows.index))
                values = [np.random.default_rng([SEED, row]).random(ids.shape[1]) for row in rows.index.tolist()]
                uniform = torch.from_numpy(np.stack(values)).to(device)
                with trainer.precision_plugin.forward_context():
                    nll = self.head.token_nll(classifier.model.encoder, ids, mask, uniform)
                    total += nll.double().sum(dim=0)
                classifier.model.texts_encoded += rows.counted
                bar.update(rows.counted)
        return total
