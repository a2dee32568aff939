"""R's lazy-load data bases (name.rdx, name.rdb), as far as data frames of texts, numbers and factors need it.

The layout is R's own: "R Internals", section 1.8, Serialization Formats, in its XDR form.
"""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from frostline.errors import FrostlineError

SYMBOL, PAIRS, CHARS, LOGICAL, INTEGER, REAL, STRINGS, VECTOR = 1, 2, 9, 10, 13, 14, 16, 19
NOTHING, REFERENCE, COMPACT = 254, 255, 238
HAS_ATTRIBUTES, HAS_TAG = 0x200, 0x400
UNTOLD = -(2**31)  # R's NA among whole numbers
Column = Sequence[Any]


class Values(NamedTuple):
    """An R vector: its items and its attributes."""

    items: list[Any]
    attributes: dict[str, Any]


def frames(folder: Path, name: str, wanted: Sequence[str]) -> list[dict[str, Column]]:
    """Data frames of `<name>.rdb` as columns by name; factors as their levels' names."""
    index = _named(Reader(_inflated((folder / f"{name}.rdx").read_bytes())).object())
    places, content = _named(index["variables"]), (folder / f"{name}.rdb").read_bytes()
    found = []
    for key in wanted:
        start, size = places[key].items
        frame = Reader(_chunk(content[start : start + size])).object()
        found.append({column: _plain(values) for column, values in _named(frame).items()})
    return found


def _chunk(content: bytes) -> bytes:
    """Behind the four bytes of the size when inflated: Z and raw LZMA2, or zlib."""
    if content[4:5] != b"Z":
        return zlib.decompress(content[4:])
    return lzma.decompress(content[5:], format=lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 6}])


def _inflated(content: bytes) -> bytes:
    return zlib.decompress(content, wbits=47)  # with zlib's header or gzip's


def _named(values: Values) -> dict[str, Any]:
    return dict(zip(values.attributes["names"].items, values.items, strict=True))


def _plain(values: Values) -> Column:
    levels = values.attributes.get("levels")
    return values.items if levels is None else [None if i == UNTOLD else levels.items[i - 1] for i in values.items]


class Reader:
    """Reads one serialised object."""

    def __init__(self, content: bytes) -> None:
        if content[:2] != b"X\n":
            raise FrostlineError("rdata: this is no R object in XDR form")
        self.content, self.at = content, 2
        self.symbols: list[str] = []
        version, _, _ = self._whole(3)
        if version == 3:
            self._text(self._whole(1)[0])  # its encoding: UTF-8 in all packages that we read

    def object(self) -> Any:
        flags = self._whole(1)[0] & 0xFFFFFFFF
        kind = flags & 0xFF
        if kind == NOTHING:
            return None
        if kind == SYMBOL:
            self.symbols.append(self.object())
            return self.symbols[-1]
        if kind == REFERENCE:
            return self.symbols[(flags >> 8) - 1]
        if kind == CHARS:
            size = self._whole(1)[0]
            return None if size == -1 else self._text(size)
        if kind == PAIRS:
            return self._pairs(flags)
        if kind == COMPACT:
            return self._compact()
        items = self._items(kind, self._whole(1)[0])
        return Values(items, self.object() if flags & HAS_ATTRIBUTES else {})

    def _items(self, kind: int, count: int) -> list[Any]:
        if kind in (LOGICAL, INTEGER):
            return list(self._whole(count))
        if kind == REAL:
            return list(self._unpacked(f">{count}d", 8 * count))
        if kind in (STRINGS, VECTOR):
            return [self.object() for _ in range(count)]
        raise FrostlineError(f"rdata: R's type {kind} is none of a data frame's")

    def _pairs(self, flags: int) -> dict[str, Any]:
        """A list of tagged values, each followed by the rest of the list."""
        found: dict[str, Any] = {}
        while flags & 0xFF == PAIRS:
            if flags & HAS_ATTRIBUTES:
                self.object()
            tag = self.object() if flags & HAS_TAG else ""
            found[tag] = self.object()
            flags = self._whole(1)[0] & 0xFFFFFFFF
        return found

    def _compact(self) -> Values:
        """A vector kept as what makes it (ALTREP), such as the numbers of rows: none that we read need it."""
        for _ in ("what it is", "what makes it", "its attributes"):
            self.object()
        return Values([], {})

    def _whole(self, count: int) -> tuple[int, ...]:
        return self._unpacked(f">{count}i", 4 * count)

    def _unpacked(self, layout: str, size: int) -> tuple[Any, ...]:
        self.at += size
        return struct.unpack(layout, self.content[self.at - size : self.at])

    def _text(self, size: int) -> str:
        self.at += size
        return self.content[self.at - size : self.at].decode("utf-8", "replace")
