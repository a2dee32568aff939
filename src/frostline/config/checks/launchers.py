"""What keeps a launcher from starting, told before the first job."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from frostline.config.checks.check import arguments
from frostline.config.checks.signature import read
from frostline.errors import Problem, UserError


def launcher_problems(given: Mapping[str, Any]) -> Iterator[Problem]:
    """given: hydra.launcher, resolved. A launcher's class may know what it lacks: `problems()`."""
    target = str(given["_target_"])
    module, _, name = target.rpartition(".")
    try:
        launcher = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        what = f"'{target}' cannot be imported ({error})"
        yield Problem("hydra/launcher", what, "install what it is in, or choose another")
        return
    if hasattr(launcher, "problems"):
        yield from launcher.problems()
    try:
        signature = read(target, "hydra.launcher._target_")
    except UserError as error:
        yield from error.problems
        return
    yield from arguments("hydra.launcher", given, signature)
