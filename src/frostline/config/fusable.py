"""Which runs can be trained together, and why others cannot: told from their configs alone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from frostline.config.checks.outline import learners, outlined
from frostline.config.checks.source import capabilities
from frostline.data.build import source_of
from frostline.models.interfaces import Capability
from frostline.types import Config

FUSED = "hydra_plugins.frostline_fused.FusedLauncher"
PLAIN = {  # what a run trained together has none of
    "regularizer": "frostline.training.regularizers.base.Regularizer",
    "averaging": "frostline.training.averaging.base.Averaging",
}
OPTIMIZERS = ("frostline.training.optimizers.adamw.adamw", "frostline.training.optimizers.sgd.sgd")
PRETRAINED = "frostline.models.encoders.pretrained.Pretrained"
ALIKE = {"precision": "32-true", "accumulate_grad_batches": 1, "limit_batches": None, "overfit_batches": None}


@dataclass(frozen=True)
class FusableGroup:
    """Runs by their places in a sweep. why: what keeps them from being trained together; None: they are."""

    places: list[int]
    why: str | None = None

    def __str__(self) -> str:
        jobs = f"{len(self.places)} job" + "s" * (len(self.places) > 1)
        return f"{jobs} one by one: {self.why}" if self.why else f"{jobs} trained together"


def groups(configs: Sequence[Config], begun: Collection[int] = ()) -> list[FusableGroup]:
    """Those that can be trained together first; then the others, for each reason and encoder together.

    begun: runs that stopped on the way, and go on by themselves from where they are.
    """
    kin: dict[str, list[int]] = {}
    apart: dict[tuple[str, str], list[int]] = {}
    for place, config in enumerate(configs):
        why = "begun before" if place in begun else objection(config)
        if why is None:
            kin.setdefault(kinship(config), []).append(place)
        else:
            apart.setdefault((why, kinship(config)), []).append(place)
    several = [FusableGroup(places) for places in kin.values() if len(places) > 1]
    single = [FusableGroup(places, "no other has its encoder and texts") for places in kin.values() if len(places) == 1]
    return [*several, *single, *(FusableGroup(places, why) for (why, _), places in apart.items())]


def objection(config: Config) -> str | None:
    """Why a run must be trained by itself; None: it need not."""
    return next(_objections(config), None)


def kinship(config: Config) -> str:
    """Alike for runs that share an encoder at rest and the source of their texts."""
    dataset = config["dataset"]
    texts = [source_of(dataset), dataset["max_length"], dataset.get("shifts")]
    shared = [config[role] for role in ("encoder", "adapter", "pooler", "cache")]
    drawn = config["seed"] if _is_drawn(config) else None
    return json.dumps([texts, shared, config["trainer"]["accelerator"], drawn], sort_keys=True, default=str)


def _objections(config: Config) -> Iterator[str]:
    head, loss = (capabilities(config[role]["_target_"]) for role in ("head", "loss"))
    learning, plan, trainer = learners(config), outlined(config), config["trainer"]
    if Capability.FORWARD_PROMPT in head or Capability.INIT_FROM_CLASS_NAMES in head:
        yield "the head asks the encoder"
    if learning is None or plan is None or learning - {"head"}:
        yield "more than the head learns"
    elif len(plan.phases) > 1:
        yield "its plan has several phases"
    elif learning and not all(plan.ever_trains(p.name) for p in plan.blocks[-1].parameters):
        yield "a part of the head does not learn"
    if Capability.USES_ONLY_EMBEDDINGS in loss or Capability.IN_BATCH in loss:
        yield "the loss looks at vectors"
    if config["optimizer"]["_target_"] not in OPTIMIZERS:
        yield f"its optimizer is none of {', '.join(name.rpartition('.')[2] for name in OPTIMIZERS)}"
    yield from (
        f"it has {role}={_last(config[role])}" for role, none in PLAIN.items() if config[role]["_target_"] != none
    )
    yield from (f"trainer.{key} is {trainer[key]}" for key, usual in ALIKE.items() if trainer[key] != usual)
    if trainer["devices"] not in (1, "auto") or trainer["strategy"] != "auto":
        yield "it may have several processes"


def _last(part: Config) -> str:
    """The module that a part is in, which has its name."""
    return str(part["_target_"]).split(".")[-2]


def _is_drawn(config: Config) -> bool:
    """Whether the run's seed has a part in what stands below the head."""
    encoder, pooler = config["encoder"], config["pooler"]["_target_"]
    whole = encoder["_target_"] == PRETRAINED and not encoder.get("untrained") and not encoder.get("reinit_top")
    return not whole or Capability.TRAINABLE in capabilities(pooler)
