"""What a run will have to fetch."""

from __future__ import annotations

import os
from pathlib import Path

from frostline.config.checks.dataset import source
from frostline.data.downloads.package_cache import Pin, is_cached
from frostline.types import Config


def downloads(config: Config) -> list[str]:
    """What a run of a checked config will fetch, one line each."""
    given = config["dataset"]
    sources = [source(each) for each in (given, *(given.get("shifted") or {}).values())]
    lines = [line for one in sources if hasattr(one, "downloads") for line in one.downloads()]
    return _encoder(config["encoder"]) + list(dict.fromkeys(lines))


def _encoder(given: Config) -> list[str]:
    """One line where it is neither a local folder nor in a cache."""
    if isinstance(pin := given.get("pin"), dict):
        known = Pin.of(pin)
        return [] if is_cached(known) else [known.describe()]
    name = str(given.get("name", ""))
    if not name or Path(name).expanduser().is_dir() or _in_hub_cache(name):
        return []
    return [f"{name} from the Hugging Face hub"]


def _in_hub_cache(name: str) -> bool:
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    hub = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")
    return any((hub / f"models--{name.replace('/', '--')}" / "snapshots").glob("*/config.json"))
