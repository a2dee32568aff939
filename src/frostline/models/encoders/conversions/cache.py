"""Converted once, kept beside the package's own entry in the user's cache; whole or not there."""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from frostline.console import log
from frostline.results.identity import without_modules

Convert = Callable[[Path, Path], None]
VERSION = 1  # of what the functions of this package write: a higher one has everything converted anew


def converted(source: Path, how: str, architecture: Mapping[str, Any]) -> Path:
    """The folder that AutoModel and AutoTokenizer load, made from the package's files in `source` if it is not here.

    how: the dotted name of a function (source, target) that fills the target, in which config.json lies already.
    architecture: what config.json says.
    """
    from filelock import FileLock

    target = source.parent / f"{source.name}-{_digest(how, architecture)}"
    if not target.is_dir():
        with FileLock(source.parent / ".lock"):  # so that many processes convert once
            if not target.is_dir():
                _complete(source, target, how, architecture)
    return target


def _digest(how: str, architecture: Mapping[str, Any]) -> str:
    about = json.dumps([VERSION, without_modules({"convert": how}), dict(architecture)], sort_keys=True)
    return hashlib.sha256(about.encode()).hexdigest()[:8]


def _complete(source: Path, target: Path, how: str, architecture: Mapping[str, Any]) -> None:
    log(f"converting {source.name}: once, for the user's cache")
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=source.parent))
    try:
        (partial / "config.json").write_text(json.dumps(dict(architecture), indent=2), encoding="utf-8")
        module, _, name = how.rpartition(".")
        convert: Convert = getattr(importlib.import_module(module), name)
        convert(source, partial)
        partial.chmod(0o755)
        partial.replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
