"""What a checkpoint was pre-trained to do, as far as it still has the head for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

Objective = Literal["masked", "causal"]
ENDINGS: dict[str, Objective] = {"ForMaskedLM": "masked", "ForCausalLM": "causal", "LMHeadModel": "causal"}


def told(architectures: Sequence[str] | None) -> Objective | None:
    """From the class names in config.json, under which the checkpoint was saved."""
    for name in architectures or ():
        for ending, objective in ENDINGS.items():
            if name.endswith(ending):
                return objective
    return None


def known(encoder: Mapping[str, Any]) -> tuple[bool, Objective | None]:
    """Of an encoder's config, before anything is loaded: whether it can be known, and the objective."""
    if (given := encoder.get("objective")) is not None:
        return True, given
    if encoder.get("pin") is not None:
        return True, None
    try:
        file = Path(str(encoder["name"])).expanduser() / "config.json"
        return True, told(json.loads(file.read_text(encoding="utf-8")).get("architectures"))
    except (OSError, ValueError, KeyError, AttributeError):  # a hub id, or an encoder of the user's own
        return False, None
