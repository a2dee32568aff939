"""The pre-training objective of a checkpoint, if it still has the head for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from frostline.results.home_paths import expand_home

Objective = Literal["masked", "causal"]
OBJECTIVE_BY_SUFFIX: dict[str, Objective] = {"ForMaskedLM": "masked", "ForCausalLM": "causal", "LMHeadModel": "causal"}


def objective_of_architectures(architectures: Sequence[str] | None) -> Objective | None:
    """Return the objective that the class names under `architectures` in config.json imply."""
    for name in architectures or ():
        for suffix, objective in OBJECTIVE_BY_SUFFIX.items():
            if name.endswith(suffix):
                return objective
    return None


def known_objective(encoder: Mapping[str, Any]) -> tuple[bool, Objective | None]:
    """Return whether the config of an encoder determines its objective before it is loaded, and the objective."""
    if (objective := encoder.get("objective")) is not None:
        return True, objective
    if encoder.get("pin") is not None:
        return True, None
    try:
        file = expand_home(str(encoder["name"]), "encoder.name") / "config.json"
        config = json.loads(file.read_text(encoding="utf-8"))
        is_half = config.get("is_encoder_decoder")  # of which only the encoder is used
        return True, None if is_half else objective_of_architectures(config.get("architectures"))
    except (OSError, ValueError, KeyError, AttributeError):  # a hub id, or an encoder from outside the package
        return False, None
