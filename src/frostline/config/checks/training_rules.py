"""Settings of a training that would have no effect or cannot work, reported before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frostline.config.checks.monitors import is_multi_label
from frostline.errors import Problem
from frostline.freezing.plan import Kind
from frostline.models.interfaces import Capability
from frostline.types import Config

DEFAULTS = {
    "regularizer": "frostline.training.regularizers.base.Regularizer",
    "averaging": "frostline.training.averaging.base.Averaging",
}
ENCODER = {"embeddings", "layer", "final"}  # kinds of blocks with pre-trained weights, which an adapter has not

Capabilities = dict[str, dict[str, Any]]  # role -> what `capabilities` returns of its part


def training_problems(
    config: Config, parts: Capabilities, trainable: set[Kind] | None, adaptive: bool
) -> list[Problem]:
    """Return the problems of settings each of which is right by itself.

    Args:
        trainable: kinds of blocks that are ever trained; None if only the real model shows it.
        adaptive: whether the strategy decides during training what is trained.
    """
    sharded = config["trainer"].get("strategy") == "fsdp2"
    return [
        *_step_problems(config, parts),
        *(_fsdp_problems(config, parts, trainable, adaptive) if sharded else []),
        *_regularizer_problems(config, parts, trainable),
        *_averaging_problems(config, parts, trainable),
    ]


def _step_problems(config: Config, parts: Capabilities) -> Iterator[Problem]:
    trainer, size = config["trainer"], config["dataset"]["batch_size"]
    micro_batches = trainer.get("accumulate_grad_batches", 1)
    if micro_batches > size:
        what = f"{micro_batches} micro-batches of a batch of {size} texts"
        yield Problem("trainer.accumulate_grad_batches", what, f"give 1 to {size}, or raise dataset.batch_size")
    if micro_batches > 1 and Capability.IN_BATCH in parts["loss"]:
        what = f"{micro_batches} micro-batches, but this loss compares all texts of a batch"
        do = "give 1; for less memory take encoder.gradient_checkpointing=true"
        yield Problem("trainer.accumulate_grad_batches", what, do)
    yield from _pair_problems(config, parts["loss"])
    if trainer.get("patience") is not None and trainer.get("monitor") is None:
        yield Problem("trainer.patience", "needs trainer.monitor, which is null", "set it, or patience=null")
    if config["encoder"].get("reinit_top") and config["encoder"].get("untrained") is True:
        what = "re-initialises layers, and encoder.untrained initialises all of them at random"
        yield Problem("encoder.reinit_top", what, "set it to 0, or choose a pre-trained encoder")


def _pair_problems(config: Config, loss: dict[str, Any]) -> Iterator[Problem]:
    """Yield what leaves a loss that compares texts without two of one class."""
    dataset, do = config["dataset"], "or choose loss=cross_entropy"
    if Capability.SINGLE_LABEL in loss and is_multi_label(dataset):
        yield Problem("loss", "pairs texts of one class each, and those of this data set have several", f"{do[3:]}")
    if Capability.IN_BATCH not in loss:
        return
    size = dataset["batch_size"]
    if size < 2:
        yield Problem("dataset.batch_size", "1 text, and this loss compares texts of a batch", f"give 2 or more, {do}")
    elif size % 2 and config["loss"].get("partners") == "train":
        what = f"{size} texts are no pairs, of which this loss reads batches"
        yield Problem("dataset.batch_size", what, f"give an even number such as {size + 1}, {do}")
    if dataset.get("shots") == 1:
        what = "1 text of each class leaves no two of one class, which this loss compares"
        yield Problem("dataset.shots", what, f"give 2 or more, {do}")


def _fsdp_problems(
    config: Config, parts: Capabilities, trainable: set[Kind] | None, adaptive: bool
) -> Iterator[Problem]:
    """Yield what has not been shown to be correct with sharded parameters."""
    trainer, do = config["trainer"], "or choose trainer=ddp"
    unknown = "is not known to be correct with fsdp2"
    if trainer["devices"] == 1:
        what = "1 process, and fsdp2 shards parameters across several"
        yield Problem("trainer.devices", what, "give 2 or more, or choose trainer=auto")
    if trainer["precision"] != "32-true":
        yield Problem("trainer.precision", unknown, f"give 32-true, {do}")
    if (trainable is not None and not trainable) or trainer["max_epochs"] == 0:
        yield Problem("trainer.strategy", "fsdp2, but nothing is trained", "choose trainer=ddp")
    if adaptive:
        what = "decides by gradients, of which each rank has only a shard with fsdp2"
        yield Problem("freezing", what, f"choose another, {do}")
    if parts["head"].keys() & {Capability.FORWARD_PROMPT, Capability.FORWARD_STATES, Capability.FIT}:
        yield Problem("head", unknown, f"choose a head that is trained on embeddings, {do}")
    for role, default in DEFAULTS.items():
        if config[role]["_target_"] != default:
            yield Problem(role, unknown, f"choose {role}=none, {do}")


def _regularizer_problems(config: Config, parts: Capabilities, trainable: set[Kind] | None) -> Iterator[Problem]:
    regularizer, head = parts["regularizer"], config["head"]
    if Capability.USES_PRETRAINED_WEIGHTS in regularizer and trainable is not None and not trainable & ENCODER:
        what = "keeps the encoder close to its pre-trained weights, and the whole encoder is frozen"
        yield Problem("regularizer", what, "choose regularizer=none, or a freezing that trains the encoder")
    if Capability.USES_TWO_PASSES not in regularizer:
        return
    if Capability.FIT in parts["head"]:
        what = "compares predictions, and this head makes none during training"
        yield Problem("regularizer", what, "choose another")
    frozen = trainable is not None and not trainable & {*ENCODER, "adapter"}
    from_config = Capability.FORWARD_STATES in parts["head"] and head.get("dropout") is None
    if frozen and head["_target_"].startswith("frostline.") and not head.get("dropout") and not from_config:
        what = "compares two passes, which are equal with a frozen encoder and no dropout in the head"
        yield Problem("regularizer", what, "give head.dropout=0.1, or choose regularizer=none")


def _averaging_problems(config: Config, parts: Capabilities, trainable: set[Kind] | None) -> Iterator[Problem]:
    averaging, settings, epochs = parts["averaging"], config["averaging"], config["trainer"]["max_epochs"]
    averages, interpolates = Capability.AVERAGES_WEIGHTS in averaging, Capability.INTERPOLATES_WEIGHTS in averaging
    if not averages and not interpolates:
        return
    covers_head = averages or settings.get("head") is True
    covered = trainable if covers_head or trainable is None else trainable & {*ENCODER, "adapter"}
    if (covered is not None and not covered) or epochs == 0:
        where = "in the encoder " if trainable and epochs else ""
        what = f"all its weights would be equal, as nothing {where}is trained"
        yield Problem("averaging", what, "choose averaging=none, or a freezing that trains something")
    if interpolates and Capability.FIT in parts["head"]:
        what = "mixes the weights before and after training, and this head is fitted to those after it alone"
        yield Problem("averaging", what, "choose averaging=none, ema or swa, or a head that is trained")
    if interpolates and settings.get("alpha") is None and config["trainer"].get("monitor") is None:
        do = "give a factor, such as averaging.alpha=0.5, or set trainer.monitor"
        yield Problem("averaging.alpha", "null, the best on validation, but trainer.monitor is null", do)
    if Capability.AVERAGES_EPOCHS in averaging and epochs:
        averaged = sum(epoch / epochs >= settings["start"] - 1e-9 for epoch in range(1, epochs + 1))
        if averaged < 2:
            what = f"{settings['start']:g} of {epochs} epochs leaves {averaged} to average"
            yield Problem("averaging.start", what, "lower it, or set more trainer.max_epochs")
