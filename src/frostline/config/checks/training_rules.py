"""What of a training's recipe would change nothing or cannot be done, told before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterator

from frostline.config.checks.outline import decides, learners
from frostline.config.checks.source import capabilities
from frostline.errors import Problem
from frostline.freezing.plan import Kind
from frostline.models.interfaces import Capability
from frostline.types import Config

USUAL = {
    "regularizer": "frostline.training.regularizers.base.Regularizer",
    "averaging": "frostline.training.averaging.base.Averaging",
}
ENCODER = {"embeddings", "layer", "final"}  # its own weights: an adapter has none that were pre-trained


def training_problems(config: Config) -> list[Problem]:
    """Of a recipe whose parts are each right by themselves."""
    learning = learners(config)  # None where that hangs on the real model
    sharded = _sharded(config, learning) if config["trainer"].get("strategy") == "fsdp2" else []
    return [*_steps(config), *sharded, *_regularizer(config, learning), *_averaging(config, learning)]


def _steps(config: Config) -> Iterator[Problem]:
    trainer, size = config["trainer"], config["dataset"]["batch_size"]
    if trainer.get("accumulate_grad_batches", 1) > size:
        what = f"{trainer['accumulate_grad_batches']} parts of a batch of {size} texts"
        yield Problem("trainer.accumulate_grad_batches", what, f"give 1 to {size}, or raise dataset.batch_size")
    if trainer.get("accumulate_grad_batches", 1) > 1 and Capability.IN_BATCH in capabilities(
        config["loss"]["_target_"]
    ):
        what = f"{trainer['accumulate_grad_batches']} parts, but this loss compares all texts of a batch"
        do = "give 1; for less memory take encoder.gradient_checkpointing=true"
        yield Problem("trainer.accumulate_grad_batches", what, do)
    if trainer.get("patience") is not None and trainer.get("monitor") is None:
        yield Problem("trainer.patience", "waits for trainer.monitor, which is null", "set it, or patience=null")
    if config["encoder"].get("reinit_top") and config["encoder"].get("untrained") is True:
        do = "set it to 0, or choose a pre-trained encoder"
        yield Problem("encoder.reinit_top", "draws layers anew, and encoder.untrained draws them all", do)


def _sharded(config: Config, learning: set[Kind] | None) -> Iterator[Problem]:
    """What has not been shown to be right where parameters are shared out among ranks."""
    trainer, head, do = config["trainer"], capabilities(config["head"]["_target_"]), "or choose trainer=ddp"
    if trainer["devices"] == 1:
        what = "1 process, and fsdp2 shares parameters out among several"
        yield Problem("trainer.devices", what, "give 2 or more, or choose trainer=auto")
    if trainer["precision"] != "32-true":
        yield Problem("trainer.precision", "is not known to be right with fsdp2", f"give 32-true, {do}")
    if (learning is not None and not learning) or trainer["max_epochs"] == 0:
        yield Problem("trainer.strategy", "fsdp2, but nothing learns", "choose trainer=ddp")
    if decides(config):
        yield Problem("freezing", "decides by gradients, which no rank has whole with fsdp2", f"choose another, {do}")
    if head.keys() & {Capability.FORWARD_PROMPT, Capability.FIT}:
        yield Problem("head", "is not known to be right with fsdp2", f"choose a head that learns on vectors, {do}")
    for role, usual in USUAL.items():
        if config[role]["_target_"] != usual:
            yield Problem(role, "is not known to be right with fsdp2", f"choose {role}=none, {do}")


def _regularizer(config: Config, learning: set[Kind] | None) -> Iterator[Problem]:
    regularizer = capabilities(config["regularizer"]["_target_"])
    if Capability.USES_PRETRAINED_WEIGHTS in regularizer and learning is not None and not learning & ENCODER:
        what = "holds the encoder to its pre-trained weights, and nothing in the encoder learns"
        yield Problem("regularizer", what, "choose regularizer=none, or a freezing that tunes the encoder")
    if Capability.USES_TWO_PASSES not in regularizer:
        return
    if Capability.FIT in capabilities(config["head"]["_target_"]):
        yield Problem("regularizer", "compares answers, and this head has none while training", "choose another")
    head = config["head"]
    rests = learning is not None and not learning & {*ENCODER, "adapter"}
    if rests and head["_target_"].startswith("frostline.") and not head.get("dropout"):
        what = "compares two passes, which are the same where the encoder rests and the head has no dropout"
        yield Problem("regularizer", what, "give head.dropout=0.1, or choose regularizer=none")


def _averaging(config: Config, learning: set[Kind] | None) -> Iterator[Problem]:
    averaging, given = capabilities(config["averaging"]["_target_"]), config["averaging"]
    mixes_head, epochs = given.get("head") is True, config["trainer"]["max_epochs"]
    if not averaging.keys() & {Capability.AVERAGES_WEIGHTS, Capability.INTERPOLATES_WEIGHTS}:
        return
    nothing = learning is not None and not (
        learning if mixes_head or Capability.AVERAGES_WEIGHTS in averaging else learning & {*ENCODER, "adapter"}
    )
    if nothing or epochs == 0:
        where = "in the encoder " if learning and epochs else ""
        what = f"all its weights would be the same, as nothing {where}learns"
        yield Problem("averaging", what, "choose averaging=none, or let something learn")
    if Capability.INTERPOLATES_WEIGHTS in averaging and Capability.FIT in capabilities(config["head"]["_target_"]):
        what = "mixes weights before and after, and this head is solved for those after alone"
        yield Problem("averaging", what, "choose averaging=none, ema or swa, or a head that learns")
    unset = given.get("alpha") is None and config["trainer"].get("monitor") is None
    if Capability.INTERPOLATES_WEIGHTS in averaging and unset:
        do = "give a share, such as averaging.alpha=0.5, or set trainer.monitor"
        yield Problem("averaging.alpha", "null, the best on validation, but trainer.monitor is null", do)
    if Capability.AVERAGES_EPOCHS in averaging and epochs:
        taken = sum(epoch / epochs >= given["start"] - 1e-9 for epoch in range(1, epochs + 1))
        if taken < 2:
            what = f"{given['start']:g} of {epochs} epochs leaves {taken} to average"
            yield Problem("averaging.start", what, "lower it, or set more trainer.max_epochs")
