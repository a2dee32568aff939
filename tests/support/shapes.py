"""Write the blocks of the pinned encoders, alone and with each adapter, as models that are built have them.

    python tests/support/shapes.py

`frostline plan` reads the files. Run this when an encoder or an adapter is added or gets other parameters.
"""

from __future__ import annotations

import json
from typing import Any

from frostline.config.shapes import FIRST_LAYER, FOLDER, shape_config, to_json, versions
from frostline.errors import UserError
from frostline.models.build import build_model
from parts import choices, config

PINNED = [n for n in choices("encoder") if n != "hub" and not config("encoder", n)["untrained"]]


def lines(name: str) -> list[dict[str, Any]]:
    """Return the line of the encoder itself, then its blocks with each adapter that fits it."""
    encoder = config("encoder", name)
    parts = {"encoder": encoder, "pooler": config("pooler", "mean"), "head": config("head", "linear")}
    encoder_line: dict[str, Any] = {"encoder": shape_config(encoder, "untrained"), "versions": versions()}
    variants = []
    for adapter in (config("adapter", choice) for choice in choices("adapter")):
        try:
            blocks, made = build_model({**parts, "adapter": adapter, "seed": 1}, ["a", "b"], weights=False)
        except UserError:
            continue  # the adapter does not fit; `frostline plan` reports it
        entries = [to_json(block.plan_block) for block in blocks if block.kind not in ("pooler", "head")]
        variants.append(
            {
                "adapter": shape_config(adapter, "recommended"),
                "blocks": [entry for entry in entries if _is_written(entry[0])],
            }
        )
    return [encoder_line | {"width": made["encoder"].width, "layers": made["encoder"].layers}, *variants]


def _is_written(block: str) -> bool:
    return f"{block}.".startswith(f"{FIRST_LAYER}.") or ".layer." not in block


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in PINNED:
        text = "".join(json.dumps(line) + "\n" for line in lines(name))
        (FOLDER / f"{name}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
