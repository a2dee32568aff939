"""A job of a fused sweep, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline.results.folder import RunFolder
from frostline.results.identity import describe_job
from frostline.types import Config

Result = dict[str, Any] | Exception  # the result of a run, or the reason why it has none


@dataclass(frozen=True)
class FusableJob:
    """A resolved config, its identity (`id`, `choices`, `overrides`), and the run's folder."""

    config: Config
    job: dict[str, Any]
    folder: RunFolder

    @classmethod
    def of(cls, config: Config, choices: dict[str, str], overrides: list[str], folder: Path) -> FusableJob:
        """Return the job of a config, with its id."""
        return cls(config, describe_job(config, choices, overrides), RunFolder(folder))


class NotFusable(Exception):  # noqa: N818  # no error: the run has to be trained by itself
    pass
