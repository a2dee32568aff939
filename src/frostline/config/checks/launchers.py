"""Whether a launcher can start, checked before the first job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from frostline.config.checks.check import argument_problems
from frostline.config.checks.signature import read_signature
from frostline.errors import Problem, UserError
from frostline.instantiate import locate


def launcher_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the problems of the resolved `hydra.launcher`, and those that its method `problems()` reports."""
    target = str(config["_target_"])
    try:
        launcher = locate(target)
    except (ImportError, AttributeError) as error:
        what = f"'{target}' cannot be imported ({error})"
        yield Problem("hydra/launcher", what, "install its package, or choose another")
        return
    if hasattr(launcher, "problems"):
        yield from launcher.problems()
    try:
        signature = read_signature(target, "hydra.launcher._target_")
    except UserError as error:
        yield from error.problems
        return
    yield from argument_problems("hydra.launcher", config, signature)
