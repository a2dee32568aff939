"""Which text is where in a file of numbers, and whether its bytes are those that were written."""

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
    """row: of the split; length: rows of `width` numbers; left: texts of its batch that come after it."""

    row: int
    length: int
    width: int
    left: int
    sum: int


RECORD_LAYOUT = struct.Struct("<qiiiI")  # of a Text in a file


def read_text_records(file: Path) -> list[TextRecord]:
    """What the file holds whole."""
    content = file.read_bytes()
    whole = len(content) // RECORD_LAYOUT.size * RECORD_LAYOUT.size
    return [TextRecord(*found) for found in RECORD_LAYOUT.iter_unpack(content[:whole])]


def intact_records(states: IO[bytes], found: Iterable[TextRecord], size: int) -> Iterator[TextRecord]:
    """The first texts, up to one whose bytes are not there as they were written. size: of a number."""
    left = os.fstat(states.fileno()).st_size
    for text in found:
        count = text.length * text.width * size
        left -= count
        if left < 0 or text.length < 0 or text.width < 1 or zlib.crc32(states.read(count)) != text.sum:
            return
        yield text


def find_damage(entry: Entry) -> str | None:
    """What is wrong with an entry, all of which is read; None for one that is being removed."""
    try:
        with entry.held():
            found = entry.manifest()
            return None if found is None else next(_iter_damage(entry, found), None)
    except (Damaged, OSError) as error:
        return str(error) if entry.path.exists() else None


def _iter_damage(entry: Entry, found: dict[str, Any]) -> Iterator[str]:
    for name, crc in found["sums"].items():
        file, states = entry.path / name, entry.path / name.replace(TEXTS, STATES)
        if zlib.crc32(file.read_bytes()) != crc:
            yield f"'{file}' is not as it was written"
        every = read_text_records(file)
        with states.open("rb") as numbers:
            good = sum(1 for _ in intact_records(numbers, every, BYTES[found["dtype"]]))
            if good < len(every) or numbers.read(1):
                yield f"'{states}' is not as it was written, from text {good} on"
