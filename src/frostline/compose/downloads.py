"""What an encoder will have to fetch."""

from __future__ import annotations

import os
from pathlib import Path

from frostline.packages import Pin, is_cached
from frostline.types import Config


def encoder(given: Config) -> list[str]:
    """One line where the encoder is neither a local folder nor in a cache."""
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
