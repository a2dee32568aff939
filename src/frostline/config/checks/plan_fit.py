"""Whether a strategy fits the blocks of the encoder and the epochs of the run, where the blocks are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frostline.config.checks.outline import dummy_blocks
from frostline.config.shapes import encoder_layers, shipped_blocks
from frostline.errors import Problem, UserError
from frostline.freezing.build import plan_from_config
from frostline.freezing.plan import Block, Plan
from frostline.types import Config

NO_SHAPES = {"reinit_top": 0, "gradient_checkpointing": False}  # encoder keys on which no shape depends
CLASSES = 2  # no plan depends on the number of classes
BY_LAYERS = ("trainer.max_epochs", "freezing.k", "freezing.first", "freezing.last", "freezing.phases")


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
