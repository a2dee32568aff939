"""A cache of converted checkpoints beside the files of their packages; a conversion is complete or absent."""

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
VERSION = 1  # of the output of the functions of this package: a higher version repeats all conversions


def converted(source: Path, how: str, architecture: Mapping[str, Any]) -> Path:
    """Return the folder that AutoModel and AutoTokenizer load; convert the files in `source` if it does not exist.

    how: the dotted name of a function (source, target) that fills the target folder, which contains config.json.
    architecture: the content of config.json.
    """
    from filelock import FileLock

    target = conversion_folder(source, how, architecture)
    if not target.is_dir():
        with FileLock(source.parent / ".lock"):  # so that many processes convert once
            if not target.is_dir():
                _convert_atomically(source, target, how, architecture)
    return target


def conversion_folder(source: Path, how: str, architecture: Mapping[str, Any]) -> Path:
    """Return where the converted files are, or will be."""
    return source.parent / f"{source.name}-{_conversion_digest(how, architecture)}"


def _conversion_digest(how: str, architecture: Mapping[str, Any]) -> str:
    content = json.dumps([VERSION, without_modules({"convert": how}), dict(architecture)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def _convert_atomically(source: Path, target: Path, how: str, architecture: Mapping[str, Any]) -> None:
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
