"""The blocks of our pinned encoders, kept as data, so that the first plan of one needs no torch either.

`python tests/shapes.py` writes a file for each, and a test holds it equal to the blocks of the real model. What stands
above the encoder tells its `sizes` in its source. Where either is not told, the blocks are those of a model that is
built: an encoder or adapter with other arguments, a head that may refuse, a part of a user's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Any

from frostline.config.checks.capabilities import offers
from frostline.freezing.plan import Block, Kind, Parameter
from frostline.results.identity import without_modules
from frostline.types import Config

FOLDER = Path(__file__).resolve().parents[1] / "models" / "encoders" / "shapes"
FIRST = "encoder.layer.0"  # stands for all layers, which are alike


def shipped(config: Config, classes: int) -> list[Block] | None:
    """The blocks of encoder, adapter, pooler and head over so many classes, as far as all of them are told."""
    file = FOLDER / f"{config['encoder'].get('name')}.jsonl"
    if config["encoder"].get("pin") is None or not file.is_file():
        return None
    about, *adapted = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    kept = next((each["blocks"] for each in adapted if each["adapter"] == less(config["adapter"], "suits")), None)
    sizes = {"width": about["width"], "layers": about["layers"], "classes": classes}
    pooler, head = above("pooler", config["pooler"], sizes), above("head", config["head"], sizes)
    if (about["encoder"], about["versions"]) != (less(config["encoder"], "untrained"), versions()):
        return None
    if kept is None or pooler is None or head is None:
        return None
    return [*(read(block) for block in _unfolded(kept, about["layers"])), pooler, head]


def less(part: Config, key: str) -> Config:
    """Return a part's config without a key that changes no shape; the class is named without its module."""
    return dict(without_modules({name: value for name, value in part.items() if name != key}))


def versions() -> dict[str, str]:
    """Of the libraries that name parameters, which they do anew with a major version if at all."""
    return {name: metadata.version(name).partition(".")[0] for name in ("transformers", "peft")}


def above(kind: Kind, part: Config, sizes: dict[str, int]) -> Block | None:
    """The block of a pooler or a head of ours: what it tells of its parameters, from its arguments."""
    told = offers(part["_target_"]).get("sizes") if part["_target_"].startswith("frostline.") else None
    if told is None:
        return None
    try:
        found = [(name, int(eval(size, {}, {**part, **sizes}))) for name, size in told]
    except NameError:  # an argument that the config leaves to the code
        return None
    return Block(kind, kind, tuple(Parameter(f"{kind}.{name}", size) for name, size in found if size))


def _unfolded(kept: list[Any], layers: int) -> Iterator[Any]:
    for of_layer, group in groupby(kept, key=lambda block: str(block[0]).startswith(FIRST)):
        text = json.dumps(list(group))
        for index in range(layers if of_layer else 1):
            yield from json.loads(text.replace(FIRST, f"encoder.layer.{index}"))


def written(block: Block) -> list[Any]:
    """A block as it stands in a file."""
    return [block.name, block.kind, [[p.name, p.size] for p in block.parameters]]


def read(kept: list[Any]) -> Block:
    """A block that `written` gave."""
    name, kind, parameters = kept
    return Block(name, kind, tuple(Parameter(*parameter) for parameter in parameters))
