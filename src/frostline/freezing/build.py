"""A strategy's plan for a model, asked of shapes alone: torch is not needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated

from frostline.errors import wrong
from frostline.freezing.adaptive import AdaptivePlan, PhaseController
from frostline.freezing.groups import decayed, learnable
from frostline.freezing.plan import Block, Phase, Plan
from frostline.freezing.resolve import resolve
from frostline.instantiate import make
from frostline.types import Config, Range


@dataclass(frozen=True)
class FreezingSettings:
    """Keys of `freezing` that are arguments of no strategy."""

    suits: dict[str, float] | None = None
    layer_decay: Annotated[float, Range(low=0, high=1, open_low=True)] | None = None


OURS = {field.name for field in fields(FreezingSettings)}
UNTRAINED = (
    "trains nothing of the adapter, and beside one the encoder's own parameters never learn",
    "choose freezing=full, in which it learns from the first step, or adapter=none",
)


def planned(config: Config, described: Sequence[Block]) -> tuple[Plan, PhaseController | None]:
    """The plan and, where the strategy adapts, who decides when its phases begin; torch is not needed.

    Raises:
        UserError: the strategy does not fit the blocks, or lets nothing of an adapter learn.
    """
    strategy = {k: v for k, v in config["freezing"].items() if k not in OURS}
    found: tuple[Phase, ...] | AdaptivePlan = make(strategy, blocks=learnable(described))
    phases, decider = (found.phases, found.decider) if isinstance(found, AdaptivePlan) else (found, None)
    plan = resolve(phases, described, config["trainer"]["max_epochs"], decider.when if decider else None)
    adapters = [p.name for block in described if block.kind == "adapter" for p in block.parameters]
    if adapters and not any(plan.ever_learns(name) for name in adapters):
        raise wrong("freezing", *UNTRAINED)
    decay = config["freezing"].get("layer_decay")
    return plan if decay is None else decayed(plan, decay), decider
