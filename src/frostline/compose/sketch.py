"""Who would learn under a strategy, asked of its plan for a model in outline: no weights are needed."""

from __future__ import annotations

from collections.abc import Iterable

from frostline.compose.offers import offers
from frostline.compose.planning import planned
from frostline.errors import Problem, UserError
from frostline.plan import Block, Kind, Parameter
from frostline.types import Config

LAYERS = 64  # as many as the deepest models have, so that most numbers of blocks fit


def learners(config: Config) -> set[Kind] | None:
    """The kinds of blocks in which the strategy ever lets something learn; None where that hangs on the real model."""
    try:
        plan, _ = planned(config, _outline(config))
    except UserError:  # it names blocks or parameters of the model's own
        return None
    return {block.kind for block in plan.blocks if any(plan.ever_learns(p.name) for p in block.parameters)}


def refusal(config: Config) -> list[Problem]:
    """What the strategy has against the model in outline; it may be right about the real one all the same."""
    try:
        planned(config, _outline(config))
    except UserError as error:
        return error.problems
    return []


def _outline(config: Config) -> list[Block]:
    """The adapter stands where its source tells, and is left out where it does not."""
    stands = offers(config["adapter"]["_target_"]).get("stands")
    return [Block(name, kind, _parameters(name)) for name, kind in _blocks(stands)]


def _blocks(adapted: str | None) -> Iterable[tuple[str, Kind]]:
    """adapted: layers or embeddings, where an adapter stands in them."""
    yield "encoder.embeddings", "embeddings"
    if adapted == "embeddings":
        yield "encoder.embeddings.adapter", "adapter"
    for index in range(LAYERS):
        yield f"encoder.layer.{index}", "layer"
        if adapted == "layers":
            yield f"encoder.layer.{index}.adapter", "adapter"
    yield "head", "head"


def _parameters(block: str) -> tuple[Parameter, ...]:
    if block == "head":
        return Parameter("head.out.weight", 2), Parameter("head.out.bias", 1)
    if block.endswith(".adapter"):
        return (Parameter(f"{block}.lora.weight", 1),)
    names = ("attention.weight", "attention.bias", "norm.weight", "norm.bias")
    return tuple(Parameter(f"{block}.{name}", 1) for name in names)
