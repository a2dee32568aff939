"""What a head that asks a language model for words needs, told before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frostline.errors import Problem
from frostline.models.encoders.objectives import Objective, known
from frostline.models.interfaces import Capability
from frostline.models.prompting.template import template_problems, word_problems
from frostline.types import Config

HEADS: dict[Objective, str] = {"masked": "head=verbalizer", "causal": "head=likelihood"}
ENCODERS: dict[Objective, str] = {"masked": "encoder=bert_tiny", "causal": "encoder=smollm2"}


def language_problems(config: Config, head: dict[str, Any]) -> list[Problem]:
    """head: what the head offers; its `fields` stand in a template, its `objective` is the encoder's."""
    found: list[Problem] = []
    if Capability.TEMPLATE_FIELDS in head:
        found += template_problems(str(config["head"]["template"]), head[Capability.TEMPLATE_FIELDS].split())
        found += word_problems(config["head"]["words"])
    if Capability.REQUIRED_OBJECTIVE in head:
        found += _speaker(config["encoder"], head[Capability.REQUIRED_OBJECTIVE])
    if Capability.USES_TREE_ATTENTION in head and "num_virtual_tokens" in config["adapter"]:
        what = "puts tokens of its own before each text, and this head tells every token where it stands"
        found.append(Problem("adapter", what, "choose adapter=lora"))
    return found


def _speaker(encoder: Config, wanted: Objective) -> Iterator[Problem]:
    """The model must have been pre-trained to tell words, and in the same way."""
    is_known, has = known(encoder)
    if not is_known or has == wanted:
        return
    what, name = f"reads a {wanted} language model", encoder.get("name")
    if has is None:
        do = f"choose {ENCODERS[wanted]}, or give encoder.objective={wanted} if it has one"
        yield Problem("head", f"{what}, and the checkpoint of encoder '{name}' has no head for it", do)
    else:
        do = f"choose {HEADS[has]}, or {ENCODERS[wanted]}"
        yield Problem("head", f"{what}, and encoder '{name}' is a {has} one", do)
