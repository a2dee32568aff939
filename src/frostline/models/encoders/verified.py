"""The record of checkpoints that were loaded and tested before, by the content of their folders, without torch.

An entry has what was measured of the encoder, so that the next run need not measure it again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from frostline.data.downloads.package_cache import cache_folder
from frostline.errors import UserError
from frostline.results.atomic_files import read_json, write_json
from frostline.results.home_paths import expand_home

LIBRARIES = ("torch", "transformers", "tokenizers")
ARGUMENTS = ("name", "revision", "untrained", "reinit_top", "objective", "pin")  # those that matter to loading


def checkpoint_key(encoder: Mapping[str, Any]) -> str | None:
    """Return a key of the checkpoint that a config names: it changes with any of its files, our code and the libraries.

    None for a hub id, whose files are not known before it is loaded.
    """
    name = expand_home(str(encoder.get("name")), "encoder.name")
    if encoder.get("pin") is not None:
        files: list[tuple[str, int, int]] = []  # pinned by their hash
    elif name.is_dir():
        stats = [(file.relative_to(name).as_posix(), file.stat()) for file in sorted(name.rglob("*")) if file.is_file()]
        files = [(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]
        encoder = {**encoder, "name": str(name.resolve())}
    else:
        return None
    arguments = {key: encoder.get(key) for key in ARGUMENTS}
    versions = [metadata.version(library) for library in LIBRARIES]
    content = json.dumps([arguments, files, versions, _code_digest()], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:24]


def read_verified(key: str | None) -> dict[str, Any] | None:
    """Return what was recorded of the checkpoint with this key, or None if it was not tested, or had a problem."""
    if key is None:
        return None
    with suppress(OSError, ValueError, UserError):  # the file is missing or truncated, or there is no cache
        return dict(read_json(_folder() / f"{key}.json"))
    return None


def write_verified(key: str | None, measured: Mapping[str, Any]) -> None:
    """Record that a checkpoint was loaded and tested without a problem; a folder that cannot be written is ignored."""
    if key is not None:
        with suppress(OSError, UserError):
            _folder().mkdir(parents=True, exist_ok=True)
            write_json(_folder() / f"{key}.json", measured)


def _folder() -> Path:
    return cache_folder() / "verified"


def _code_digest() -> str:
    files = sorted(Path(__file__).resolve().parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
