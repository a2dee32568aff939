"""What cannot be combined, told before anything is loaded, with the reason and what to choose instead."""

from __future__ import annotations

from collections.abc import Iterator

from frostline.compose.offers import offers
from frostline.compose.planning import UNTRAINED
from frostline.compose.sketch import learners, refusal
from frostline.compose.training import training_problems
from frostline.errors import Problem
from frostline.types import Config

ENCODER = {"embeddings", "layer", "adapter", "final"}
WITHOUT = {"_target_": "frostline.adapters.none.NoAdapter"}
USUAL_POOLER = "frostline.poolers.mean.Mean"


def problems(config: Config) -> list[Problem]:
    """Of parts that are each right by themselves."""
    head = offers(config["head"]["_target_"])
    found = list(_adapter(config))
    if "fit" in head:
        found += _fitted(config)
    if "read" in head:
        found += _reader(config)
    return found + training_problems(config)


def _adapter(config: Config) -> Iterator[Problem]:
    """A strategy that fits a model without an adapter, but not with it: it names or thaws what then stays as it is."""
    refused = refusal(config)
    if refused and not refusal(config | {"adapter": WITHOUT}):
        chooses = "chooses among the encoder's own parameters, which never learn beside an adapter"
        told = [problem for problem in refused if "adapter" in problem.what]
        yield from told or [Problem("freezing", chooses, UNTRAINED[1])]


def _fitted(config: Config) -> Iterator[Problem]:
    """A head that is solved from vectors passes no gradient on."""
    learning = learners(config)
    if learning is None:
        return
    if "head" not in learning:
        what = "lets no head learn, and this one is solved from the training texts"
        yield Problem("freezing", what, "choose freezing=frozen, or a head that needs no training texts")
    if learning & ENCODER and "on_vectors" not in offers(config["loss"]["_target_"]):
        do = "choose freezing=frozen, or a loss on vectors such as loss=contrastive"
        yield Problem("head", "is solved from vectors and gives the encoder nothing to learn from", do)


def _reader(config: Config) -> Iterator[Problem]:
    """A head that asks the encoder itself needs no pooler, and has no vectors for a loss."""
    if config["pooler"]["_target_"] != USUAL_POOLER:
        yield Problem("pooler", "has no part in a head that reads the language model's words", "leave pooler out")
    if "on_vectors" in offers(config["loss"]["_target_"]):
        yield Problem("loss", "is one on vectors, which this head has not", "choose loss=cross_entropy")
