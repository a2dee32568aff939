"""What of a training's recipe would change nothing or cannot be done, told before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterator

from frostline.compose.offers import offers
from frostline.compose.sketch import learners
from frostline.errors import Problem
from frostline.plan import Kind
from frostline.types import Config

ENCODER = {"embeddings", "layer", "final"}  # its own weights: an adapter has none that were pre-trained


def training_problems(config: Config) -> list[Problem]:
    """Of a recipe whose parts are each right by themselves."""
    learning = learners(config)  # None where that hangs on the real model
    return list(_regularizer(config, learning))


def _regularizer(config: Config, learning: set[Kind] | None) -> Iterator[Problem]:
    regularizer = offers(config["regularizer"]["_target_"])
    if "holds_encoder" in regularizer and learning is not None and not learning & ENCODER:
        what = "holds the encoder to its pre-trained weights, and nothing in the encoder learns"
        yield Problem("regularizer", what, "choose regularizer=none, or a freezing that tunes the encoder")
    if "compares_passes" not in regularizer:
        return
    if "fit" in offers(config["head"]["_target_"]):
        yield Problem("regularizer", "compares answers, and this head has none while training", "choose another")
    head = config["head"]
    rests = learning is not None and not learning & {*ENCODER, "adapter"}
    if rests and head["_target_"].startswith("frostline.") and not head.get("dropout"):
        what = "compares two passes, which are the same where the encoder rests and the head has no dropout"
        yield Problem("regularizer", what, "give head.dropout=0.1, or choose regularizer=none")
