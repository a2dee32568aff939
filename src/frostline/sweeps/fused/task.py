"""A run that is to be trained with others, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline.results.folder import RunFolder
from frostline.results.identity import run_id
from frostline.types import Config

Outcome = dict[str, Any] | Exception  # a run's result, or why it has none


@dataclass(frozen=True)
class Task:
    """Resolved config, its job (`id`, `choices`, `overrides`), and its folder."""

    config: Config
    job: dict[str, Any]
    place: RunFolder

    @classmethod
    def of(cls, config: Config, choices: dict[str, str], overrides: list[str], folder: Path) -> Task:
        return cls(config, {"id": run_id(config), "choices": choices, "overrides": overrides}, RunFolder(folder))


class NotFusable(Exception):  # noqa: N818  # no error: the run is to be done by itself
    pass
