"""Batch normalisation in a trained block: an output depends on the other texts of the batch, which few runs allow for.

The statistics of a batch need two texts. Every process and every micro-batch would have statistics of its own, weight
averaging leaves them as they are, and a checkpoint has the buffers of the head alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from frostline.errors import Problem, UserError
from frostline.types import Config

NO_AVERAGING = "frostline.training.averaging.base.Averaging"
DO = "or normalise with LayerNorm, which has no statistics of a batch"


def check_batch_norms(norms: Mapping[str, BatchNorm], config: Config, texts: int, ranks: int) -> None:
    """Raise UserError if trained blocks have batch normalisation in a run that cannot be right with it.

    Args:
        norms: those of the trained blocks. texts: the number of training texts. ranks: the number of processes.
    """
    if config["trainer"]["max_epochs"] and (problems := list(_problems(norms, config, texts, ranks))):
        raise UserError(problems)


def _problems(norms: Mapping[str, BatchNorm], config: Config, texts: int, ranks: int) -> Iterator[Problem]:
    trainer, size = config["trainer"], min(config["dataset"]["batch_size"], texts)
    names = ", ".join(f"{type(norm).__name__} {name}" for name, norm in norms.items())
    if outside := [name for name in norms if not name.startswith("head")]:
        what = f"{', '.join(outside)} normalises by batches, and checkpoints have the statistics of a head alone"
        yield Problem("freezing", what, "choose a strategy that keeps its block frozen, or another encoder and pooler")
    if untracked := [name for name, norm in norms.items() if norm.running_mean is None]:
        what = f"{', '.join(untracked)} has no running statistics, so that predictions would depend on the batch"
        yield Problem("head", what, f"give it track_running_stats=True, {DO}")
    if ranks > 1:
        what = f"{ranks} processes, each with statistics of its own texts in {names}"
        yield Problem("trainer.devices", what, f"give 1, {DO}")
    if trainer["accumulate_grad_batches"] > 1:
        what = f"{trainer['accumulate_grad_batches']} micro-batches, each with statistics of its own in {names}"
        yield Problem("trainer.accumulate_grad_batches", what, f"give 1, {DO}")
    if config["averaging"]["_target_"] != NO_AVERAGING:
        what = f"would combine the weights, but not the running statistics of {names}"
        yield Problem("averaging", what, f"choose averaging=none, {DO}")
    if size == 1 or (size == 2 and texts % 2):
        what = f"{size} leaves a batch of 1 text, and {names} needs at least 2"
        yield Problem("dataset.batch_size", what, f"give 3 or more, {DO}")
