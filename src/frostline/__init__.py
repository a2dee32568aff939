"""Frostline: find out how a pre-trained encoder should be adapted to a classification task.

The functions of `__all__` are imported when they are first used.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from frostline.api.classifier import FrostlineClassifier as FrostlineClassifier
    from frostline.api.loaded_model import export as export
    from frostline.api.loaded_model import load as load
    from frostline.api.records import report as report
    from frostline.api.records import results as results
    from frostline.api.runs import build as build
    from frostline.api.runs import check as check
    from frostline.api.runs import plan as plan
    from frostline.api.runs import run as run
    from frostline.api.runs import sweep as sweep
    from frostline.errors import FrostlineError as FrostlineError
    from frostline.errors import UserError as UserError

__version__ = "0.1.0"

_MODULES = {
    **dict.fromkeys(("build", "check", "plan", "run", "sweep"), "frostline.api.runs"),
    "FrostlineClassifier": "frostline.api.classifier",
    **dict.fromkeys(("export", "load"), "frostline.api.loaded_model"),
    **dict.fromkeys(("report", "results"), "frostline.api.records"),
    **dict.fromkeys(("FrostlineError", "UserError"), "frostline.errors"),
}
__all__ = [
    "FrostlineClassifier",
    "FrostlineError",
    "UserError",
    "build",
    "check",
    "export",
    "load",
    "plan",
    "report",
    "results",
    "run",
    "sweep",
]


class _Package(ModuleType):
    """This package, in which the function `report` stays a function when the package frostline.report is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _MODULES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'frostline' has no attribute '{name}'")
    value = getattr(importlib.import_module(_MODULES[name]), name)
    setattr(sys.modules[__name__], name, value)
    return value


sys.modules[__name__].__class__ = _Package
