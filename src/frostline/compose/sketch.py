"""Who would learn under a strategy, asked of its plan for a model in outline: no weights are needed."""

from __future__ import annotations

from collections.abc import Iterable

from frostline.compose.planning import planned
from frostline.errors import UserError
from frostline.plan import Block, Kind, Parameter
from frostline.types import Config

LAYERS = 64  # as many as the deepest models have, so that most numbers of blocks fit


def learners(config: Config) -> set[Kind] | None:
    """The kinds of blocks in which the strategy ever lets something learn; None where that hangs on the real model."""
    outline = [Block(name, kind, _parameters(name)) for name, kind in _blocks()]
    try:
        plan, _ = planned(config, outline)
    except UserError:  # it names blocks or parameters of the model's own
        return None
    return {block.kind for block in outline if any(plan.ever_learns(p.name) for p in block.parameters)}


def _blocks() -> Iterable[tuple[str, Kind]]:
    yield "encoder.embeddings", "embeddings"
    for index in range(LAYERS):
        yield f"encoder.layer.{index}", "layer"
    yield "head", "head"


def _parameters(block: str) -> tuple[Parameter, ...]:
    if block == "head":
        return Parameter("head.out.weight", 2), Parameter("head.out.bias", 1)
    names = ("attention.weight", "attention.bias", "norm.weight", "norm.bias")
    return tuple(Parameter(f"{block}.{name}", 1) for name in names)
