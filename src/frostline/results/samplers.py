"""Optuna's samplers and pruners by name, as a config gives them. Optuna is imported in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Named = str | Mapping[str, Any]  # what Optuna has under a name, or the name with arguments
NEEDING = ("BaseSampler", "GridSampler", "PartialFixedSampler", "PatientPruner", "NopPruner")  # more than plain values


def mapping(given: Named | None) -> dict[str, Any]:
    """The name and the arguments of a sampler or a pruner, if any."""
    return {"name": given} if isinstance(given, str) else dict(given or {})


def kinds(role: str) -> dict[str, Any]:
    """Optuna's classes for `sampler` or `pruner` that can be made from plain values, each by its name less the role."""
    import optuna

    module, suffix = getattr(optuna, f"{role}s"), role.capitalize()
    names = [name for name in module.__all__ if name.endswith(suffix) and name not in NEEDING]
    return {name.removesuffix(suffix).lower(): getattr(module, name) for name in names if not name.startswith("Base")}


def made(role: str, given: Mapping[str, Any], **more: Any) -> Any:
    """A sampler or a pruner: `name`, and its arguments."""
    import warnings

    from optuna.exceptions import ExperimentalWarning

    arguments = {key: value for key, value in given.items() if key != "name"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # whoever names it has chosen it
        return kinds(role)[str(given["name"]).lower()](**arguments, **more)
