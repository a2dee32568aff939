"""The LightningDataModule of a run: batches of tokens, or of cached states below the frost line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import lightning.pytorch as pl
import numpy as np
from lightning.pytorch.trainer.states import TrainerFn

from frostline.cache.frozen_states import FrozenStates
from frostline.cache.keys import CacheKeys, cache_content
from frostline.cache.shared_store import CacheSettings, SharedCache
from frostline.data.batches import (
    Indices,
    Rows,
    reading_order,
    share_batches,
    share_rows,
    training_order,
    without_single_texts,
)
from frostline.data.loader import BatchLoader
from frostline.data.pairs import pair_batches, pair_count, share_with_partner
from frostline.data.tasks import task_rows
from frostline.models.interfaces import InBatchLoss, PairLoss
from frostline.models.source_runs import original_part
from frostline.models.task_heads import TaskHeads
from frostline.seeding import derive_seed
from frostline.training.build import Built
from frostline.training.trainer import runtime_of
from frostline.types import Config


class DataModule(pl.LightningDataModule):
    """Batches of all splits for this rank. Their order depends only on the seed and the epoch.

    Attributes:
        frozen_states: the cached states of each split; there from `setup` on, which Lightning calls.
    """

    frozen_states: FrozenStates

    def __init__(self, built: Built, config: Config) -> None:
        super().__init__()
        self.built, self.config = built, config
        self.batch_size = config["dataset"]["batch_size"]

    def setup(self, stage: str) -> None:
        """Open the cache, once the Trainer is known."""
        if hasattr(self, "frozen_states"):
            return
        model, engine, runtime = self.built.model, self.built.classifier.engine, runtime_of(self.trainer)
        cache = SharedCache(CacheSettings(**self.config["cache"]), runtime.ranks)
        keys = CacheKeys(engine.parameters, runtime, partial(cache_content, model.encoder, self.config))
        encoder_name = str(original_part(self.config, "encoder").get("name"))
        self.frozen_states = FrozenStates(model, engine, cache, keys, runtime, encoder_name)

    def train_dataloader(self) -> BatchLoader:
        tokens, settings = self.built.tokens["train"], self.built.settings
        batches = -(-len(tokens) // self.batch_size)
        if self._drawn_pairs:
            batches = -(-pair_count(tokens.labels.tolist(), self._drawn_pairs) // (self.batch_size // 2))
        return BatchLoader(
            tokens,
            min(batches, settings.overfit_batches or batches),
            rows=self._train_rows,
            source=lambda: self.frozen_states.for_split("train", tokens, len(self._epochs_left())),
            first=lambda: int(self._trainer.fit_loop.epoch_loop.batch_progress.current.ready),
            parts=settings.accumulate_grad_batches,
        )

    def _train_rows(self) -> list[Rows]:
        """Return this rank's rows of each micro-batch of the current epoch."""
        settings = self.built.settings
        batches = self._epoch_batches(0 if settings.overfit_batches else self._trainer.current_epoch)
        batches = batches[: settings.overfit_batches]
        return share_rows(
            batches, self._trainer.global_rank, self._trainer.world_size, settings.accumulate_grad_batches
        )

    def _epoch_batches(self, epoch: int) -> list[Indices]:
        """Return the batches of all ranks in an epoch."""
        tokens, seed = self.built.tokens["train"], derive_seed(self.config["seed"], "order")
        if self._drawn_pairs:
            labels = tokens.labels.tolist()
            return pair_batches(labels, tokens.lengths, self.batch_size, self._drawn_pairs, seed, epoch)
        batches = self._training_batches(epoch)
        return without_single_texts(batches) if self.built.classifier.engine.batch_norms() else batches

    def _training_batches(self, epoch: int) -> list[Indices]:
        """Return the batches of an epoch for a loss on single texts; of several tasks each has its share of them."""
        tokens, dataset, head = self.built.tokens["train"], self.config["dataset"], self.built.model.head
        seed, sampling = derive_seed(self.config["seed"], "order"), dataset.get("sampling", "size")
        if not isinstance(head, TaskHeads) or sampling == "size":
            return training_order(tokens.lengths, self.batch_size, seed, epoch)
        power = 0.0 if sampling == "even" else 1 / dataset["temperature"]
        tasks = head.task_of_class.cpu()[tokens.labels].tolist()
        rows = task_rows(tasks, power, derive_seed(self.config["seed"], "tasks"), epoch)
        lengths = np.asarray(tokens.lengths)[rows].tolist()
        return [rows[batch] for batch in training_order(lengths, self.batch_size, seed, epoch)]

    @property
    def _drawn_pairs(self) -> int:
        loss = self.built.classifier.loss
        return loss.drawn_pairs if isinstance(loss, PairLoss) else 0

    def describe_partners(self) -> str | None:
        """Return how many training texts have no other text of their class to compare with; None if all have one."""
        labels = self.built.tokens["train"].labels
        if not isinstance(self.built.classifier.loss, InBatchLoss) or labels.dim() > 1:
            return None
        if self._drawn_pairs:
            alone = int((labels.bincount()[labels] == 1).sum())
            what = f"loss: {alone} of {len(labels)} training texts are the only ones of their class and have no partner"
            return f"{what} of it" if alone else None
        share = share_with_partner(labels.tolist(), self._epoch_batches(0))
        what = f"loss: {share:.0%} of the training texts have another text of their class in their batch"
        return f"{what} of {self.batch_size}; raise dataset.batch_size for more" if share < 1 else None

    def val_dataloader(self) -> BatchLoader:
        if self._trainer.state.fn == TrainerFn.FITTING:
            return self.eval_dataloader("val", lambda: sum(map(self.built.settings.validates, self._epochs_left())))
        return self.eval_dataloader("val")

    def test_dataloader(self) -> BatchLoader:
        return self.eval_dataloader(self.built.classifier.test_split)

    def eval_dataloader(self, split: str, uses: Callable[[], int] = lambda: 1) -> BatchLoader:
        """Return the batches of a split; uses: how often they are read in the current phase."""
        tokens, trainer = self.built.tokens[split], self._trainer
        batches = reading_order(tokens.lengths, self.batch_size)
        equal_counts = self.built.settings.strategy == "fsdp2"  # ranks that gather shards must read equally often
        rows = share_batches(batches, trainer.global_rank, trainer.world_size, equal_counts)
        return BatchLoader(tokens, len(rows), lambda: rows, lambda: self.frozen_states.for_split(split, tokens, uses()))

    def _epochs_left(self) -> range:
        """Return the epochs that remain of the current phase, or of the run if the phase has no fixed end."""
        phase = self.built.classifier.engine.phase
        end = phase.end if phase.when is None else self.built.settings.max_epochs
        return range(self._trainer.current_epoch, end)

    @property
    def _trainer(self) -> pl.Trainer:
        assert self.trainer is not None
        return self.trainer
