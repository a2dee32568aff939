"""The downloads that a run will start."""

from __future__ import annotations

import os
from pathlib import Path

from frostline.config.checks.dataset import make_dataset
from frostline.data.downloads.package_cache import Pin, home_folder, is_cached
from frostline.models.source_runs import original_part
from frostline.results.home_paths import expand_home
from frostline.types import Config


def downloads(config: Config) -> list[str]:
    """Return one line for each file that a run of a checked config will download."""
    dataset = config["dataset"]
    sources = [make_dataset(each) for each in (dataset, *(dataset.get("shifted") or {}).values())]
    lines = [line for source in sources if hasattr(source, "downloads") for line in source.downloads()]
    return _encoder_downloads(original_part(config, "encoder")) + list(dict.fromkeys(lines))


def _encoder_downloads(encoder: Config) -> list[str]:
    """Return one line for an encoder that is neither a local folder nor in a cache."""
    if isinstance(encoder.get("pin"), dict):
        pin = Pin.of(encoder["pin"])
        return [] if is_cached(pin) else [pin.describe()]
    name = str(encoder.get("name", ""))
    if not name or expand_home(name, "encoder.name").is_dir() or is_in_hub_cache(name):
        return []
    return [f"{name} from the Hugging Face hub"]


def is_in_hub_cache(name: str) -> bool:
    """Return whether the cache of the hub's client has a version of a model."""
    home = os.environ.get("HF_HOME") or (home_folder() or Path("~")) / ".cache" / "huggingface"
    hub = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")
    return any((hub / f"models--{name.replace('/', '--')}" / "snapshots").glob("*/config.json"))
