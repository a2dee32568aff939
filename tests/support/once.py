"""Results that each command would compute again are computed once in a test process: they depend on the input alone.

Hundreds of commands in one test process read the same yaml files and hash the same texts, which was a quarter of their
time.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from omegaconf import OmegaConf, _utils, base

from frostline.data import copies, splits
from frostline.data.corpus import RawData
from frostline.data.datasets import vader

TEXTS = 50_000  # that are remembered, of each kind


def remember() -> None:
    """Parse each yaml content and each interpolation once, read each file of Vader once, and hash each text once."""
    OmegaConf.load = staticmethod(_parse_once(OmegaConf.load))  # type: ignore[method-assign]
    _utils.parse = base.parse = lru_cache(TEXTS)(base.parse)  # type: ignore[attr-defined]
    splits.normalised = copies.normalised = lru_cache(TEXTS)(splits.normalised)
    splits.random_key = lru_cache(TEXTS)(splits.random_key)
    vader.Vader.load = _read_once(vader.Vader.load)  # type: ignore[method-assign]


def _parse_once(load: Any) -> Any:
    """Return OmegaConf.load with a memory of contents; what cannot be parsed is not remembered."""
    parsed: dict[str, Any] = {}

    def load_content(file: str | Path | IO[Any]) -> Any:
        if isinstance(file, str | Path):
            return load(file)
        content = file.read()
        if content not in parsed:
            file.seek(0)
            parsed[content] = OmegaConf.to_container(load(file))
        return OmegaConf.create(copy.deepcopy(parsed[content]))

    return load_content


def _read_once(load: Callable[[vader.Vader], RawData]) -> Callable[[vader.Vader], RawData]:
    """Return Vader.load with a memory; whether its files are there is looked at each time."""
    known: dict[tuple[Path, str], RawData] = {}

    def load_domain(source: vader.Vader) -> RawData:
        key = vader.folder(vader.PIN, vader.INSIDE, keep=vader.KEEP), source.domain
        if key not in known:
            known[key] = load(source)
        return known[key]

    return load_domain
