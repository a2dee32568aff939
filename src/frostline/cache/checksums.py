"""Records of where the states of each text are in a file, and verification of their checksums."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from frostline.cache.entry import STATES, TEXTS, Damaged, Entry

BYTES = {"float32": 4, "float16": 2}


class TextRecord(NamedTuple):
    """The states of one text in a file.

    row: index of the text in its split. length: number of vectors of `width` values. left: number of texts that follow
    in the same batch. sum: CRC-32 of the bytes.
    """

    row: int
    length: int
    width: int
    left: int
    sum: int


RECORD_LAYOUT = struct.Struct("<qiiiI")


def read_text_records(file: Path) -> list[TextRecord]:
    """Return the complete records of a file; an incomplete one at its end is ignored."""
    content = file.read_bytes()
    complete = len(content) // RECORD_LAYOUT.size * RECORD_LAYOUT.size
    return [TextRecord(*fields) for fields in RECORD_LAYOUT.iter_unpack(content[:complete])]


def intact_records(states: IO[bytes], records: Iterable[TextRecord], item_size: int) -> Iterator[TextRecord]:
    """Yield the records up to the first whose bytes in `states` are missing or changed. item_size: bytes of a value."""
    remaining = os.fstat(states.fileno()).st_size
    for text in records:
        count = text.length * text.width * item_size
        remaining -= count
        if remaining < 0 or text.length < 0 or text.width < 1 or zlib.crc32(states.read(count)) != text.sum:
            return
        yield text


def find_damage(entry: Entry) -> str | None:
    """Read all of an entry; return a message about the first damage, None if it is intact or being deleted."""
    try:
        with entry.lock_for_reading():
            manifest = entry.manifest()
            return None if manifest is None else next(_iter_damage(entry, manifest), None)
    except (Damaged, OSError) as error:
        return str(error) if entry.path.exists() else None


def _iter_damage(entry: Entry, manifest: dict[str, Any]) -> Iterator[str]:
    for name, crc in manifest["sums"].items():
        file, states = entry.path / name, entry.path / name.replace(TEXTS, STATES)
        if zlib.crc32(file.read_bytes()) != crc:
            yield f"'{file}' is not as it was written"
        records = read_text_records(file)
        with states.open("rb") as stream:
            intact = sum(1 for _ in intact_records(stream, records, BYTES[manifest["dtype"]]))
            if intact < len(records) or stream.read(1):
                yield f"'{states}' is not as it was written, from text {intact} on"
