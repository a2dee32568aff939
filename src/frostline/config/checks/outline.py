"""What a strategy would train, by its plan for a model without weights: a dummy, or the blocks that are known.

The dummy model has the blocks of a real one, each with a few parameters. A plan may depend on the number of layers, so
the dummy has as many as the strategy accepts. Of a pinned encoder the blocks themselves are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from frostline.config.checks.source import capabilities
from frostline.config.shapes import encoder_layers, shipped_blocks
from frostline.errors import Problem, UserError
from frostline.freezing.build import plan_from_config
from frostline.freezing.plan import Block, Kind, Parameter, Plan
from frostline.models.interfaces import Capability
from frostline.types import Config

LAYER_COUNTS = (64, 24, 12, 6, 4, 2, 1)  # many layers accept most block numbers, few need few epochs
NO_SHAPES = {"reinit_top": 0, "gradient_checkpointing": False}  # encoder keys on which no shape depends
CLASSES = 2  # no plan depends on the number of classes
BY_LAYERS = ("trainer.max_epochs", "freezing.k", "freezing.first", "freezing.last", "freezing.phases")


@dataclass(frozen=True)
class Outline:
    """The plan of a strategy for the dummy model.

    Attributes:
        plan: None if the strategy accepts no dummy model; it may accept the real one.
        problems: what the strategy has against the first dummy model.
    """

    plan: Plan | None
    problems: list[Problem] = field(default_factory=list)

    @property
    def trainable_kinds(self) -> set[Kind] | None:
        """The kinds of blocks of which a parameter is ever trained; None if only the real model shows it."""
        if self.plan is None:
            return None
        plan = self.plan
        return {block.kind for block in plan.blocks if any(plan.ever_trains(p.name) for p in block.parameters)}

    @property
    def is_adaptive(self) -> bool:
        """Whether phases begin when training decides it."""
        return self.plan is not None and any(phase.when is not None for phase in self.plan.phases)


def outline(config: Config, head: bool = True) -> Outline:
    """Return the strategy's plan for the largest dummy model that it accepts.

    It may name blocks or parameters of a real model, or need more epochs than the run has for that many layers.

    Args:
        head: whether the head of the dummy model has parameters.
    """
    problems: list[Problem] = []
    for layers in LAYER_COUNTS:
        try:
            return Outline(plan_from_config(config, dummy_blocks(config, layers, head))[0])
        except UserError as error:
            problems = problems or error.problems
    return Outline(None, problems)


def dummy_blocks(config: Config, layers: int, head: bool = True) -> list[Block]:
    """Return the blocks of the dummy model; an adapter is left out if its source does not show its location."""
    location = capabilities(config["adapter"]["_target_"]).get(Capability.LOCATION)
    has_pooler = Capability.TRAINABLE in capabilities(config["pooler"]["_target_"])
    blocks = [Block(name, kind, _parameters(name)) for name, kind in _block_names(layers, location, has_pooler)]
    return blocks if head else [*blocks[:-1], Block("head", "head", ())]


def _block_names(layers: int, adapter: str | None, pooler: bool) -> Iterable[tuple[str, Kind]]:
    yield "encoder.embeddings", "embeddings"
    if adapter == "embeddings":
        yield "encoder.embeddings.adapter", "adapter"
    for index in range(layers):
        yield f"encoder.layer.{index}", "layer"
        if adapter == "layers":
            yield f"encoder.layer.{index}.adapter", "adapter"
    if pooler:
        yield "pooler", "pooler"
    yield "head", "head"


def _parameters(block: str) -> tuple[Parameter, ...]:
    if block == "head":
        return Parameter("head.out.weight", 2), Parameter("head.out.bias", 1)
    if block.endswith(".adapter"):
        return (Parameter(f"{block}.lora.weight", 1),)
    names = ("attention.weight", "attention.bias", "norm.weight", "norm.bias")
    return tuple(Parameter(f"{block}.{name}", 1) for name in names)


def known_plan(config: Config) -> tuple[Plan | None, list[Problem]]:
    """Return the plan for the blocks of a pinned encoder with parts of ours, and what the strategy has against them.

    Of another model only the number of layers may be known; then the plan is None, and the problems are those that
    follow from that number.
    """
    if "file" in config["freezing"] and config["freezing"].get("phases") is None:
        return None, [
            Problem("freezing.file", "is missing", "write one with `frostline plan --write FILE` and edit it")
        ]
    blocks = shipped_blocks({**config, "encoder": {**config["encoder"], **_present(config["encoder"])}}, CLASSES)
    if blocks is not None:
        return _plan(config, blocks)
    layers = encoder_layers(config["encoder"])
    if layers is None:
        return None, []
    problems = _plan(config, dummy_blocks(config, layers))[1]
    return None, [problem for problem in problems if problem.key in BY_LAYERS]


def reinit_problems(encoder: Mapping[str, Any]) -> list[Problem]:
    """Return a problem if more layers are to be re-initialised than the encoder is known to have."""
    count, layers = encoder.get("reinit_top") or 0, encoder_layers(encoder)
    if layers is None or count <= layers:
        return []
    return [Problem("encoder.reinit_top", f"{count} layers, but the encoder has {layers}", f"give 0 to {layers}")]


def _present(encoder: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in NO_SHAPES.items() if key in encoder}


def _plan(config: Config, blocks: list[Block]) -> tuple[Plan | None, list[Problem]]:
    try:
        return plan_from_config(config, blocks)[0], []
    except UserError as error:
        return None, error.problems
