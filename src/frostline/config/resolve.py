"""A composed config as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from frostline.errors import Problem, UserError


def resolved(cfg: DictConfig) -> tuple[dict[str, Any], list[Problem]]:
    """The config as plain values; what cannot be resolved is left out and told."""
    problems: list[Problem] = []
    return _plain(cfg, [key for key in cfg if key != "hydra"], "", problems), problems


def _plain(node: DictConfig | ListConfig, keys: Iterable[Any], prefix: str, problems: list[Problem]) -> Any:
    found: dict[Any, Any] = {}
    for key in keys:
        try:
            value = "???" if OmegaConf.is_missing(node, key) else node[key]
        except (OmegaConfBaseException, UserError, TypeError) as error:
            problems += _unresolved(f"{prefix}{key}", error)
            continue
        if isinstance(value, DictConfig | ListConfig):
            inside = range(len(value)) if isinstance(value, ListConfig) else list(value)
            value = _plain(value, inside, f"{prefix}{key}.", problems)
        found[key] = value
    return list(found.values()) if isinstance(node, ListConfig) else found


def _unresolved(key: str, error: BaseException) -> list[Problem]:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, UserError):
            return cause.problems
        cause = cause.__cause__ or cause.__context__
    return [Problem(key, f"cannot be resolved: {one_line(error)}", "give it a value")]


def one_line(error: BaseException) -> str:
    text = str(error) or str(error.__cause__ or "") or type(error).__name__
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(lines[:2])[:240]
