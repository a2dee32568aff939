"""Who would learn under a strategy, asked of its plan for a model in outline: no weights are needed."""

from __future__ import annotations

from collections.abc import Iterable

from frostline.config.checks.source import capabilities
from frostline.errors import Problem, UserError
from frostline.freezing.build import plan_from_config
from frostline.freezing.plan import Block, Kind, Parameter, Plan
from frostline.models.interfaces import Capability
from frostline.types import Config

LAYERS = (64, 24, 12, 6, 4, 2, 1)  # deep models hold most numbers of blocks, small ones need few epochs


def decides(config: Config) -> bool:
    """Whether the strategy decides in training, as far as a model in outline can tell."""
    plan = outlined(config)
    return plan is not None and any(phase.when is not None for phase in plan.phases)


def learners(config: Config) -> set[Kind] | None:
    """The kinds of blocks in which the strategy ever lets something learn; None where that hangs on the real model."""
    plan = outlined(config)
    if plan is None:
        return None
    return {block.kind for block in plan.blocks if any(plan.ever_trains(p.name) for p in block.parameters)}


def outlined(config: Config, head: bool = True) -> Plan | None:
    """The strategy's plan for a model in outline, whose head may have no parameters; None where it takes none."""
    plan = _plan(config, head)
    return None if isinstance(plan, list) else plan


def refusal(config: Config) -> list[Problem]:
    """What the strategy has against the model in outline; it may be right about the real one all the same."""
    plan = _plan(config)
    return plan if isinstance(plan, list) else []


def _plan(config: Config, head: bool = True) -> Plan | list[Problem]:
    """For the largest outline that the strategy takes; what it has against the first where it takes none.

    It may name blocks or parameters of the model's own, or need more epochs than the run has for so many layers.
    """
    told: list[Problem] = []
    for layers in LAYERS:
        try:
            return plan_from_config(config, _outline(config, layers, head))[0]
        except UserError as error:
            told = told or error.problems
    return told


def _outline(config: Config, layers: int, head: bool) -> list[Block]:
    """The adapter stands where its source tells, and is left out where it does not; so does a pooler that learns."""
    adapted = capabilities(config["adapter"]["_target_"]).get(Capability.LOCATION)
    pooled = Capability.TRAINABLE in capabilities(config["pooler"]["_target_"])
    outline = [Block(name, kind, _parameters(name)) for name, kind in _blocks(layers, adapted, pooled)]
    return outline if head else [*outline[:-1], Block("head", "head", ())]


def _blocks(layers: int, adapted: str | None, pooled: bool) -> Iterable[tuple[str, Kind]]:
    """adapted: layers or embeddings, where an adapter stands in them."""
    yield "encoder.embeddings", "embeddings"
    if adapted == "embeddings":
        yield "encoder.embeddings.adapter", "adapter"
    for index in range(layers):
        yield f"encoder.layer.{index}", "layer"
        if adapted == "layers":
            yield f"encoder.layer.{index}.adapter", "adapter"
    if pooled:
        yield "pooler", "pooler"
    yield "head", "head"


def _parameters(block: str) -> tuple[Parameter, ...]:
    if block == "head":
        return Parameter("head.out.weight", 2), Parameter("head.out.bias", 1)
    if block.endswith(".adapter"):
        return (Parameter(f"{block}.lora.weight", 1),)
    names = ("attention.weight", "attention.bias", "norm.weight", "norm.bias")
    return tuple(Parameter(f"{block}.{name}", 1) for name in names)
