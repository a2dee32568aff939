"""The epochs and the plan of a config, built from the shapes of the model's blocks; torch is not needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated

from frostline.errors import user_error
from frostline.freezing.adaptive import AdaptivePlan, PhaseController
from frostline.freezing.groups import trainable_blocks, with_layer_decay
from frostline.freezing.plan import Block, Phase, Plan
from frostline.freezing.resolve import resolve_phases
from frostline.instantiate import make
from frostline.types import Config, Range


@dataclass(frozen=True)
class FreezingSettings:
    """Keys of `freezing` that are not arguments of a strategy."""

    recommended: dict[str, float] | None = None
    layer_decay: Annotated[float, Range(low=0, high=1, open_low=True)] | None = None


COMMON_KEYS = {field.name for field in fields(FreezingSettings)}
NO_ADAPTER_TRAINED = (
    "trains nothing of the adapter, and the parameters of the encoder are frozen if it has one",
    "choose freezing=full, which trains the adapter from the first step, or adapter=none",
)


def with_min_steps(config: Config, texts: int) -> Config:
    """Return the config of a run on `texts` training texts, with as many epochs as `trainer.min_steps` needs.

    Strategies differ in the epochs that are recommended for them, which suit thousands of texts. With a few hundred a
    run of few epochs is too short (arXiv:2006.04884 and 2006.05987 train such runs for more steps). A run
    without epochs stays without.
    """
    trainer = config["trainer"]
    least, epochs = trainer.get("min_steps"), trainer["max_epochs"]
    if not least or not epochs:
        return config
    batches = math.ceil(texts / config["dataset"]["batch_size"])
    limits = [limit for key in ("limit_batches", "overfit_batches") if (limit := trainer.get(key))]
    needed = math.ceil(least / max(min([batches, *limits]), 1))
    return {**config, "trainer": {**trainer, "max_epochs": max(epochs, needed)}}


def plan_from_config(config: Config, blocks: Sequence[Block]) -> tuple[Plan, PhaseController | None]:
    """Return the plan and the controller from the shapes of the blocks alone.

    Raises:
        UserError: the strategy does not fit the blocks, or trains nothing of an adapter.
    """
    strategy = {key: value for key, value in config["freezing"].items() if key not in COMMON_KEYS}
    result: tuple[Phase, ...] | AdaptivePlan = make(strategy, blocks=trainable_blocks(blocks))
    phases, controller = (result.phases, result.controller) if isinstance(result, AdaptivePlan) else (result, None)
    starts = controller.phase_start if controller else None
    plan = resolve_phases(phases, blocks, config["trainer"]["max_epochs"], starts)
    adapters = [p.name for block in blocks if block.kind == "adapter" for p in block.parameters]
    if adapters and not any(plan.ever_trains(name) for name in adapters):
        raise user_error("freezing", *NO_ADAPTER_TRAINED)
    decay = config["freezing"].get("layer_decay")
    return plan if decay is None else with_layer_decay(plan, decay), controller
