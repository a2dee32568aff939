"""The blocks of a model, for a plan; once they are known, without torch and the model's own code, which take seconds.

Those that are not shipped with us are kept when they have been built. What is kept goes by all that shapes can follow
from: the parts' configs, the encoder's config.json, our code, and the versions of the libraries. Where that cannot be
known, in parts of a user's own and in models of a hub, nothing is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from frostline.config.shipped_shapes import read, shipped, written
from frostline.data.downloads.package_cache import cache_folder
from frostline.freezing.plan import Block
from frostline.results.atomic_files import read_json, write_json
from frostline.types import Config

ROLES = ("encoder", "adapter", "pooler", "head")
PACKAGE = Path(__file__).resolve().parents[1]


def blocks_of(config: Config, classes: Sequence[str]) -> list[Block]:
    """The blocks of encoder, adapter, pooler and head over these classes."""
    if (told := shipped(config, len(classes))) is not None:
        return told
    file = _file(config, classes)
    if file is None:
        return _built(config, classes)
    with suppress(OSError, ValueError):  # not there, or cut short
        return [read(kept) for kept in read_json(file)]
    blocks = _built(config, classes)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, [written(block) for block in blocks])
    return blocks


def _built(config: Config, classes: Sequence[str]) -> list[Block]:
    from frostline.models.build import build_model

    return [block.described for block in build_model(config, classes, weights=False)[0]]


def _file(config: Config, classes: Sequence[str]) -> Path | None:
    parts, encoder = {role: config[role] for role in ROLES}, config["encoder"]
    architecture = Path(str(encoder.get("name"))).expanduser() / "config.json"
    if not all(part["_target_"].startswith("frostline.") for part in parts.values()):
        return None
    if encoder.get("pin") is None and not architecture.is_file():
        return None
    text = architecture.read_text(encoding="utf-8") if encoder.get("pin") is None else None
    versions = [metadata.version(name) for name in ("torch", "transformers", "peft")]
    about = json.dumps([parts, list(classes), text, versions, _code()], sort_keys=True)
    return cache_folder() / "shapes" / f"{hashlib.sha256(about.encode()).hexdigest()[:24]}.json"


def _code() -> str:
    """Of ours, whatever could bear on blocks."""
    files = sorted(PACKAGE.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
