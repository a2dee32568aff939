"""The Lightning Trainer of a run."""

from __future__ import annotations

import inspect
import logging
import os
import warnings
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from frostline.console import log
from frostline.distributed import ranks
from frostline.errors import UserError, user_error
from frostline.freezing.plan import Plan
from frostline.training.settings import TrainerSettings
from frostline.types import Config

if TYPE_CHECKING:
    from frostline.cache.encode import Runtime


def rank_count(config: Config) -> int:
    """Return the number of processes of a run. With `auto` it is the number of GPUs, or 1 on a CPU.

    Raises:
        UserError: the processes were started externally, and their number is another one.
    """
    devices = config["trainer"]["devices"]
    if (external := ranks.external_ranks()) is not None:
        if devices not in ("auto", external.count):
            what = f"{devices}, but {external.by} has started {external.count} processes for the run"
            do = f"give trainer.devices={external.count}, or start the command by itself"
            raise user_error("trainer.devices", what, do)
        return external.count
    accelerator = choose_accelerator(config["trainer"]["accelerator"])
    if devices != "auto":
        return int(devices)
    import torch

    return torch.cuda.device_count() if accelerator == "cuda" else 1


def choose_accelerator(setting: str) -> Literal["cuda", "cpu"]:
    """Return what `trainer.accelerator` means on this machine.

    Apple's GPUs (MPS) have no float64, in which metrics are summed and closed-form heads are fitted, so `auto` is the
    CPU there. Lightning's `auto` would be the GPU.

    Raises:
        UserError: it is `gpu`, and there is no CUDA GPU.
    """
    import torch

    if setting != "cpu" and torch.cuda.is_available():
        return "cuda"
    if setting == "gpu":
        raise user_error("trainer.accelerator", "gpu, but torch finds no CUDA GPU", "set it to auto or cpu")
    if setting == "auto" and torch.backends.mps.is_available():
        _log_mps_unused()
    return "cpu"


@cache
def _log_mps_unused() -> None:
    log("the CPU is used: the GPU of this machine (MPS) has no float64, which metrics and fitted heads need")


def make_trainer(settings: TrainerSettings, plan: Plan, count: int, loggers: Any, callbacks: Sequence[Any]) -> Any:
    """Return a Trainer for `count` ranks.

    Batches are distributed among ranks, checkpoints are written and progress is shown by callbacks and loaders of
    ours, not by the Trainer.
    """
    import lightning.pytorch as pl
    from lightning.pytorch.utilities import rank_zero_only

    from frostline.training.callbacks.resume_checkpoint import AtomicCheckpointIO

    # Its warnings concern the user; its advice does not. No rank is started by srun.
    for part in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(part).setLevel(logging.WARNING)
    unused = ("GPU available but not used", "The .srun. command is available on your system but is not used")
    for advice in (".*LeafSpec.*deprecated", *unused):
        warnings.filterwarnings("ignore", message=advice)
    accelerator, external = choose_accelerator(settings.accelerator), ranks.external_ranks()
    nodes = external.nodes if external else 1
    sharded = settings.strategy == "fsdp2" and count > 1
    if count == 1:
        # When it was imported, Lightning has read a variable such as RANK, wherever that came from.
        rank_zero_only.rank = 0  # type: ignore[attr-defined]  # a function with an attribute
    return pl.Trainer(
        max_epochs=settings.max_epochs,
        accelerator=accelerator,
        devices=count // nodes,
        num_nodes=nodes,
        strategy=_fsdp2(count) if sharded else _ddp(count, several_phases=len(plan.phases) > 1),
        precision=settings.precision,
        deterministic=settings.deterministic and accelerator == "cuda",
        gradient_clip_val=settings.gradient_clip_val,
        accumulate_grad_batches=settings.accumulate_grad_batches,
        limit_train_batches=settings.limit_batches * settings.accumulate_grad_batches
        if settings.limit_batches
        else 1.0,
        limit_val_batches=settings.limit_batches or 1.0,
        limit_test_batches=settings.limit_batches or 1.0,
        logger=loggers,
        callbacks=list(callbacks),
        plugins=[AtomicCheckpointIO(), *([_environment()] if sharded or count == 1 else [])],
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        use_distributed_sampler=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def nondeterministic_operation(error: RuntimeError) -> UserError | None:
    """Return the problem to report if torch refused a GPU operation that is not deterministic; else None."""
    what, refused, _ = str(error).partition(", but you set 'torch.use_deterministic_algorithms")
    return user_error("trainer.deterministic", what, "set it to false") if refused else None


def attach(classifier: Any, trainer: Any, data: Any = None) -> None:
    """Connect a LightningModule to a Trainer whose loops are not used, and move it to the Trainer's device.

    data: the LightningDataModule to be set up for it, if any.
    """
    classifier.trainer = trainer
    trainer.strategy.connect(classifier)
    classifier.to(trainer.strategy.root_device)
    if data is not None:
        data.trainer = trainer
        data.setup("fit")


def runtime_of(trainer: Any) -> Runtime:
    """Return where and how the Trainer runs a model."""
    from frostline.cache.encode import Runtime

    device, autocast = trainer.strategy.root_device, trainer.precision_plugin.forward_context
    return Runtime(device, trainer.precision, autocast, trainer.global_rank, trainer.world_size)


def _ddp(count: int, several_phases: bool) -> Any:
    if count == 1:
        return "auto"
    from lightning.pytorch.strategies import DDPStrategy
    from torch.nn.parallel import DistributedDataParallel

    # Buffers are constants here. Broadcasting them before each forward pass would make ranks wait for each other in
    # evaluation, where their numbers of batches can differ. Parameters that are frozen in some phases are unused then.
    parameters = inspect.signature(DistributedDataParallel).parameters
    name = "forward_sync_buffers" if "forward_sync_buffers" in parameters else "broadcast_buffers"  # its older name
    buffers: dict[str, Any] = {name: False}
    return DDPStrategy(cluster_environment=_environment(), find_unused_parameters=several_phases, **buffers)


def _fsdp2(count: int) -> Any:
    from frostline.training.fsdp import FSDP2Strategy

    return FSDP2Strategy(count)


def _environment() -> Any:
    """Return the cluster environment of this process, which Lightning would otherwise guess from single variables."""
    from lightning.fabric.plugins.environments.lightning import LightningEnvironment
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment

    if (external := ranks.external_ranks()) is not None:
        return TorchElasticEnvironment() if external.by == "torchrun" else SLURMEnvironment()
    rank, count = ranks.started_rank() or 0, int(os.environ.get(ranks.RANKS, "1"))

    class RankEnvironment(LightningEnvironment):
        """Ranks on this machine that are already running, or one process by itself."""

        creates_processes_externally = True
        main_address = os.environ.get(ranks.ADDRESS, "127.0.0.1")
        main_port = int(os.environ.get(ranks.PORT, "0"))

        def world_size(self) -> int:
            return count

        def set_world_size(self, size: int) -> None:
            """Do nothing: the number was read from the environment."""

        def global_rank(self) -> int:
            return rank

        def set_global_rank(self, rank: int) -> None:
            """Do nothing: the rank was read from the environment."""

        def local_rank(self) -> int:
            return rank

        def node_rank(self) -> int:
            return 0

        def teardown(self) -> None:
            """Do nothing: no variable was set that a later job could read."""

    return RankEnvironment()
