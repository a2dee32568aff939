"""What a head that prompts a language model needs, reported before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frostline.errors import Problem
from frostline.models.encoders.objectives import Objective, known_objective
from frostline.models.interfaces import Capability
from frostline.models.prompting.template import template_problems, word_problems
from frostline.types import Config

HEADS: dict[Objective, str] = {"masked": "head=verbalizer", "causal": "head=likelihood"}
ENCODERS: dict[Objective, str] = {"masked": "encoder=bert_tiny", "causal": "encoder=smollm2"}


def language_model_problems(config: Config, head: dict[str, Any]) -> list[Problem]:
    """Return the problems of the prompt template, the verbalizer words, the encoder and the adapter.

    Args:
        head: the capabilities of the head.
    """
    problems: list[Problem] = []
    if Capability.TEMPLATE_FIELDS in head:
        problems += template_problems(str(config["head"]["template"]), head[Capability.TEMPLATE_FIELDS].split())
        problems += word_problems(config["head"]["words"])
    if Capability.REQUIRED_OBJECTIVE in head:
        problems += _encoder_problems(config["encoder"], head[Capability.REQUIRED_OBJECTIVE])
    if Capability.USES_TREE_ATTENTION in head and "num_virtual_tokens" in config["adapter"]:
        what = "adds virtual tokens before each text, and this head sets the position of every token itself"
        problems.append(Problem("adapter", what, "choose adapter=lora"))
    return problems


def _encoder_problems(encoder: Config, required: Objective) -> Iterator[Problem]:
    """Yield a problem if the encoder was not pre-trained with the objective that the head requires."""
    is_known, objective = known_objective(encoder)
    if not is_known or objective == required:
        return
    what, name = f"needs a {required} language model", encoder.get("name")
    if objective is None:
        do = f"choose {ENCODERS[required]}, or give encoder.objective={required} if it has one"
        yield Problem("head", f"{what}, and the checkpoint of encoder '{name}' has no language-model head", do)
    else:
        do = f"choose {HEADS[objective]}, or {ENCODERS[required]}"
        yield Problem("head", f"{what}, and encoder '{name}' is a {objective} one", do)
