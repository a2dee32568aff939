"""The LightningDataModule of a run: batches of tokens, or of cached states below the frost line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import lightning.pytorch as pl
from lightning.pytorch.trainer.states import TrainerFn

from frostline.cache.frozen_states import FrozenStates
from frostline.cache.keys import CacheKeys, cache_content
from frostline.cache.shared_store import CacheSettings, SharedCache
from frostline.data.batches import Rows, reading_order, share_batches, share_rows, training_order
from frostline.data.loader import BatchLoader
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
        encoder_name = str(self.config["encoder"].get("name"))
        self.frozen_states = FrozenStates(model, engine, cache, keys, runtime, encoder_name)

    def train_dataloader(self) -> BatchLoader:
        tokens, settings = self.built.tokens["train"], self.built.settings
        batches = -(-len(tokens) // self.batch_size)
        batches = min(batches, settings.overfit_batches or batches)
        return BatchLoader(
            tokens,
            batches,
            rows=self._train_rows,
            source=lambda: self.frozen_states.for_split("train", tokens, len(self._epochs_left())),
            first=lambda: int(self._trainer.fit_loop.epoch_loop.batch_progress.current.ready),
            parts=settings.accumulate_grad_batches,
        )

    def _train_rows(self) -> list[Rows]:
        """Return this rank's rows of each micro-batch of the current epoch."""
        settings, lengths = self.built.settings, self.built.tokens["train"].lengths
        seed = derive_seed(self.config["seed"], "order")
        epoch = 0 if settings.overfit_batches else self._trainer.current_epoch
        batches = training_order(lengths, self.batch_size, seed, epoch)[: settings.overfit_batches]
        return share_rows(
            batches, self._trainer.global_rank, self._trainer.world_size, settings.accumulate_grad_batches
        )

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
