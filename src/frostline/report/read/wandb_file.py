"""A run as W&B's own file has it, where the run's folder is gone: `offline-run-…/run-ID.wandb`.

The file is a log as LevelDB writes it, behind seven bytes of W&B's: blocks of 32 kB, and in them pieces of records.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from frostline.report.read.runs import COMPLETE, FAILED, PRUNED, UNFINISHED, Run
from frostline.report.read.wandb_protobuf import Record
from frostline.report.read.yaml_sections import UnreadableError, flat

MARK, HEAD, BLOCK = b":W&B", 7, 32768
PIECE = struct.Struct("<IHB")  # checksum, length, kind
WHOLE, LAST = 1, 4  # kinds of piece that end a record; 0 fills a block up
APART = ("_wandb", "choices", "id")  # of W&B's config, that are none of the run's


def read_file(path: Path) -> Run:
    """Config and final numbers; there is neither environment nor confusion.

    Raises:
        UnreadableError: it is not W&B's, or not of a run of ours.
    """
    config, summary, code = _told(path.read_bytes())
    if not isinstance(config.get("choices"), dict) or "id" not in config:
        raise UnreadableError("it is not a run's of frostline")
    numbers = {name: value for name, value in summary.items() if "/" in name and isinstance(value, int | float)}
    tested = any(name.startswith("test/") for name in numbers)
    state = PRUNED if summary.get("pruned") else FAILED if code else COMPLETE if tested else UNFINISHED
    return Run(
        str(path.parent),
        state,
        id=config["id"],
        choices=config["choices"],
        config=flat({key: value for key, value in config.items() if key not in APART}),
        metrics={name: value for name, value in numbers.items() if not name.startswith("train/")},
        written=path.stat().st_mtime,
        why=f"W&B's exit status is {code}" if state == FAILED else "",
    )


def _told(content: bytes) -> tuple[dict[str, Any], dict[str, Any], int]:
    """Config, summary and exit status, as the last of many records left them."""
    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    code = 0
    for text in _records(content):
        try:
            record = Record.FromString(text)
        except DecodeError as error:
            raise UnreadableError("W&B's file is damaged") from error
        config |= _items(record.run.config.update) | _items(record.config.update)
        summary |= _items(record.summary.update)
        code = record.exit.exit_code or code
    return config, summary, code


def _items(updates: Any) -> dict[str, Any]:
    named = (
        ("/".join([item.key, *item.nested_key]) if item.key else ".".join(item.nested_key), item) for item in updates
    )
    return {name: json.loads(item.value_json) for name, item in named}


def _records(content: bytes) -> Iterator[bytes]:
    """Whole records; one that a kill has cut short is left out."""
    if not content.startswith(MARK):
        raise UnreadableError("it is not W&B's")
    at, pieces = HEAD, b""
    while at + PIECE.size <= len(content):
        if (left := BLOCK - at % BLOCK) < PIECE.size:
            at += left
            continue
        _, length, kind = PIECE.unpack_from(content, at)
        at += PIECE.size
        if kind == 0 or at + length > len(content):
            return
        pieces += content[at : at + length]
        at += length
        if kind in (WHOLE, LAST):
            yield pieces
            pieces = b""
