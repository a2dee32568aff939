"""A part from its config."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

from frostline.types import Config


def make(config: Config, **supplied: Any) -> Any:
    """Call what `_target_` names with the config's arguments and those of the supplied ones that it asks for."""
    target = locate(config["_target_"])
    asked = inspect.signature(target).parameters
    given = {k: v for k, v in config.items() if k != "_target_"}
    return target(**given, **{k: v for k, v in supplied.items() if k in asked})


def locate(target: str) -> Callable[..., Any]:
    """The class or function of a dotted name."""
    module, _, name = target.rpartition(".")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found
