"""The Lightning Trainer as a run wants it."""

from __future__ import annotations

import inspect
import logging
import os
import warnings
from dataclasses import dataclass
from typing import Any, Literal

from frostline.distributed import launcher as ranks
from frostline.errors import UserError, wrong
from frostline.freezing.plan import Plan
from frostline.types import Count, NonNegative, Positive, Whole


@dataclass(frozen=True)
class TrainerSettings:
    """The `trainer` group. devices counts processes; batch_size is over all of them.

    accumulate: a batch is read in so many parts, whose gradients add up to the whole batch's.
    patience: end the run when `monitor` has not improved for so many epochs of the last phase; None: never.
    checkpoint_seconds: how often a run that is killed can go on from, 0 = after every step.
    validate_every: in epochs; after the last one always. Best epoch, patience, pruning and strategies that watch a
        score know of these epochs alone.
    monitor: the validation metric that the best epoch is chosen by; None keeps the last epoch.
    deterministic: on a GPU take kernels that add up in one order, so that a run repeats itself to the bit, as on a CPU.
    limit_batches: at most so many batches of each split; overfit_batches: train on so many, again and again.
    """

    max_epochs: Whole = 3
    devices: Count | Literal["auto"] = 1
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    strategy: Literal["auto", "ddp", "fsdp2"] = "auto"
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    validate_every: Count = 1
    monitor: str | None = "val/f1_macro"
    gradient_clip: Positive | None = 1.0
    accumulate: Count = 1
    patience: Count | None = None
    checkpoint_seconds: NonNegative = 30
    deterministic: bool = True
    limit_batches: Count | None = None
    overfit_batches: Count | None = None

    def validates(self, epoch: int) -> bool:
        """Whether there is a validation after this epoch, the first being 0."""
        return (epoch + 1) % self.validate_every == 0 or epoch + 1 == self.max_epochs


def make_trainer(
    settings: TrainerSettings, logger: Any, callbacks: list[Any], plugins: list[Any], count: int, plan: Plan
) -> Any:
    """A Trainer that shares out no batches itself, writes no checkpoints itself and prints no bars itself."""
    import lightning.pytorch as pl
    import torch

    # Its advice is not the user's business; its warnings are. Ranks need no srun: they are started by ourselves.
    for part in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(part).setLevel(logging.WARNING)
    unused = ("GPU available but not used", "The .srun. command is available on your system but is not used")
    for advice in (".*LeafSpec.*deprecated", *unused):
        warnings.filterwarnings("ignore", message=advice)
    shares = settings.strategy == "fsdp2" and count > 1
    return pl.Trainer(
        max_epochs=settings.max_epochs,
        accelerator=settings.accelerator,
        devices=count // ranks.nodes(),
        num_nodes=ranks.nodes(),
        strategy=_sharded(count) if shares else _ddp(count, several_phases=len(plan.phases) > 1),
        precision=settings.precision,
        deterministic=settings.deterministic and settings.accelerator != "cpu" and torch.cuda.is_available(),
        gradient_clip_val=settings.gradient_clip,
        accumulate_grad_batches=settings.accumulate,
        limit_train_batches=settings.limit_batches * settings.accumulate if settings.limit_batches else 1.0,
        limit_val_batches=settings.limit_batches or 1.0,
        limit_test_batches=settings.limit_batches or 1.0,
        logger=logger,
        callbacks=callbacks,
        plugins=[*plugins, *filter(None, [_environment() if shares else None])],
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        use_distributed_sampler=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def unrepeatable(error: RuntimeError) -> UserError | None:
    """What to tell where it is torch's word on an operation that cannot be repeated to the bit."""
    what, asked, _ = str(error).partition(", but you set 'torch.use_deterministic_algorithms")
    return wrong("trainer.deterministic", what, "set it to false") if asked else None


def attach(model: Any, trainer: Any) -> None:
    """Put a module where the Trainer would, to be used outside of its loops."""
    model.trainer = trainer
    trainer.strategy.connect(model)
    model.to(trainer.strategy.root_device)


def _ddp(count: int, several_phases: bool) -> Any:
    if count == 1:
        return "auto"
    from lightning.pytorch.strategies import DDPStrategy
    from torch.nn.parallel import DistributedDataParallel

    # Buffers are constants here; sending them before each forward would tie ranks together in evaluation, where they
    # need not have equally many batches. What learns in some phases alone must be looked for in each step.
    known = inspect.signature(DistributedDataParallel).parameters
    word = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"  # its older name
    buffers: dict[str, Any] = {word: False}
    return DDPStrategy(cluster_environment=_environment(), find_unused_parameters=several_phases, **buffers)


def _sharded(count: int) -> Any:
    from frostline.training.fsdp import Sharded

    return Sharded(count)


def _environment() -> Any:
    """The cluster environment of this rank; None leaves it to Lightning where others started the ranks."""
    if ranks.own() is None:
        return None
    from lightning.fabric.plugins.environments.lightning import LightningEnvironment

    class RankEnvironment(LightningEnvironment):
        """Ranks on this machine, already started."""

        creates_processes_externally = True
        main_address = os.environ[ranks.ADDRESS]
        main_port = int(os.environ[ranks.PORT])

        def world_size(self) -> int:
            return int(os.environ[ranks.RANKS])

        def set_world_size(self, size: int) -> None:
            """Known from the start."""

        def global_rank(self) -> int:
            return int(os.environ[ranks.RANK])

        def set_global_rank(self, rank: int) -> None:
            """Known from the start."""

        def local_rank(self) -> int:
            return int(os.environ[ranks.RANK])

        def node_rank(self) -> int:
            return 0

        def teardown(self) -> None:
            """There is nothing in the environment that a later job could find."""

    return RankEnvironment()
