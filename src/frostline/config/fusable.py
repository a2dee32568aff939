"""Which runs of a sweep can be trained together in one process, and why the rest cannot, by their configs alone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from frostline.config.checks.outline import outline
from frostline.config.checks.source import capabilities
from frostline.data.build import source_of
from frostline.models.interfaces import Capability
from frostline.models.source_runs import source_run
from frostline.results.identity import INPUTS
from frostline.types import Config

FUSED = "hydra_plugins.frostline_fused.FusedLauncher"
NONE_OF = {  # parts that a fused run cannot have, by the `_target_` of their group's choice `none`
    "regularizer": "frostline.training.regularizers.base.Regularizer",
    "averaging": "frostline.training.averaging.base.Averaging",
}
OPTIMIZERS = ("frostline.training.optimizers.adamw.adamw", "frostline.training.optimizers.sgd.sgd")
PRETRAINED = "frostline.models.encoders.pretrained.Pretrained"
SHARED = ("encoder", "adapter", "pooler", "dataset")  # groups of which fused runs use the same parts
TRAINER_SETTINGS = {
    "precision": "32-true",
    "accumulate_grad_batches": 1,
    "limit_batches": None,
    "overfit_batches": None,
}


@dataclass(frozen=True)
class FusableGroup:
    """Runs of a sweep that are trained together, or, if there is a reason against it, one by one.

    Attributes:
        indices: of the runs in the sweep.
        reason: why they are not trained together, or None.
    """

    indices: list[int]
    reason: str | None = None

    def __str__(self) -> str:
        jobs = f"{len(self.indices)} job" + "s" * (len(self.indices) > 1)
        return f"{jobs} one by one: {self.reason}" if self.reason else f"{jobs} trained together"


def fusable_groups(configs: Sequence[Config], interrupted: Collection[int] = ()) -> list[FusableGroup]:
    """Return groups of runs that can be trained together, then those that cannot, by reason and encoder.

    Args:
        interrupted: indices of runs that were interrupted; each resumes from its own checkpoint.
    """
    together: dict[str, list[int]] = {}
    apart: dict[tuple[str, str], list[int]] = {}
    for index, config in enumerate(configs):
        reason = "it was interrupted before" if index in interrupted else reason_against_fusing(config)
        if reason is None:
            together.setdefault(shared_inputs(config), []).append(index)
        else:
            apart.setdefault((reason, shared_inputs(config)), []).append(index)
    several = [FusableGroup(indices) for indices in together.values() if len(indices) > 1]
    alone = "no other job has its encoder and texts"
    single = [FusableGroup(indices, alone) for indices in together.values() if len(indices) == 1]
    return [*several, *single, *(FusableGroup(indices, reason) for (reason, _), indices in apart.items())]


def reason_against_fusing(config: Config) -> str | None:
    """Return why a run must be trained by itself, or None if it can be fused."""
    return next(_reasons(config), None)


def shared_inputs(config: Config) -> str:
    """Return a key that is equal for runs with the same frozen encoder and the same source of texts."""
    dataset = config["dataset"]
    texts = [source_of(dataset), dataset["max_length"], dataset.get("shifts")]
    parts = [config[role] for role in (*SHARED[:-1], "cache")]
    seed = config["seed"] if _depends_on_seed(config) else None
    read = {key: value for key, value in config.get(INPUTS, {}).items() if key.partition(".")[0] in SHARED}
    return json.dumps([texts, parts, config["trainer"]["accelerator"], seed, read], sort_keys=True, default=str)


def _reasons(config: Config) -> Iterator[str]:
    head, loss = (capabilities(config[role]["_target_"]) for role in ("head", "loss"))
    if config["dataset"].get("tasks") is not None:
        yield "it has several tasks"
    model, trainer = outline(config), config["trainer"]
    kinds, plan = model.trainable_kinds, model.plan
    if Capability.FORWARD_PROMPT in head or Capability.INIT_FROM_CLASS_NAMES in head:
        yield "the head runs the encoder"
    if Capability.FORWARD_STATES in head:
        yield "the head reads the states of all tokens"
    if kinds is None or plan is None or kinds - {"head"}:
        yield "more than the head is trained"
    elif len(plan.phases) > 1:
        yield "its plan has several phases"
    elif kinds and not all(plan.ever_trains(p.name) for p in plan.blocks[-1].parameters):
        yield "a part of the head is frozen"
    if Capability.USES_ONLY_EMBEDDINGS in loss or Capability.IN_BATCH in loss:
        yield "the loss is on embeddings"
    if config["optimizer"]["_target_"] not in OPTIMIZERS:
        yield f"its optimizer is not {' or '.join(name.rpartition('.')[2] for name in OPTIMIZERS)}"
    yield from (
        f"it has {role}={_module_name(config[role])}"
        for role, target in NONE_OF.items()
        if config[role]["_target_"] != target
    )
    yield from (f"trainer.{key} is {trainer[key]}" for key, value in TRAINER_SETTINGS.items() if trainer[key] != value)
    if trainer["devices"] not in (1, "auto") or trainer["strategy"] != "auto":
        yield "it may have several processes"


def _module_name(part: Config) -> str:
    """Return the name of the module that a part is in, which is the name of its choice."""
    return str(part["_target_"]).split(".")[-2]


def _depends_on_seed(config: Config) -> bool:
    """Return whether the run's seed initialises something in the encoder or pooler."""
    encoder, pooler = config["encoder"], config["pooler"]["_target_"]
    loaded = encoder["_target_"] == PRETRAINED and not encoder.get("untrained") and not encoder.get("reinit_top")
    loaded = loaded or source_run(encoder) is not None
    return not loaded or Capability.TRAINABLE in capabilities(pooler)
