"""The blocks of our pinned encoders, alone and with each adapter, from models that are built.

    python tests/shapes.py

It writes them where a plan reads them: run it when an encoder or an adapter is added or has other parameters.
"""

from __future__ import annotations

import json
from typing import Any

from frostline.config.shipped_shapes import FIRST, FOLDER, less, versions, written
from frostline.errors import UserError
from frostline.models.build import build_model
from parts import choices, config

PINNED = [n for n in choices("encoder") if n != "hub" and not config("encoder", n)["untrained"]]


def lines(name: str) -> list[dict[str, Any]]:
    """What is told of the encoder itself, then its blocks with each adapter that it takes."""
    encoder = config("encoder", name)
    parts = {"encoder": encoder, "pooler": config("pooler", "mean"), "head": config("head", "linear")}
    about: dict[str, Any] = {"encoder": less(encoder, "untrained"), "versions": versions()}
    found = []
    for adapter in (config("adapter", choice) for choice in choices("adapter")):
        try:
            blocks, made = build_model({**parts, "adapter": adapter, "seed": 1}, ["a", "b"], weights=False)
        except UserError:
            continue  # told again when a plan is asked for
        own = [written(block.described) for block in blocks if block.kind not in ("pooler", "head")]
        found.append({"adapter": less(adapter, "suits"), "blocks": [kept for kept in own if _first(kept[0])]})
    return [about | {"width": made["encoder"].width, "layers": made["encoder"].layers}, *found]


def _first(block: str) -> bool:
    return f"{block}.".startswith(f"{FIRST}.") or ".layer." not in block


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in PINNED:
        text = "".join(json.dumps(line) + "\n" for line in lines(name))
        (FOLDER / f"{name}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
