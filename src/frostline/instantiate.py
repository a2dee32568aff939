"""Create a part from its config."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

from frostline.types import Config


def make(config: Config, **supplied: Any) -> Any:
    """Call `_target_` with the other keys of the config, and with those of `supplied` that it has as arguments."""
    target = locate(config["_target_"])
    parameters = inspect.signature(target).parameters
    arguments = {k: v for k, v in config.items() if k != "_target_"}
    return target(**arguments, **{k: v for k, v in supplied.items() if k in parameters})


def locate(target: str) -> Callable[..., Any]:
    """Return the class or function of a dotted name."""
    module, _, name = target.rpartition(".")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function
