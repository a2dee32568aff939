"""R's data frames, written here byte by byte as R Internals has it."""

from __future__ import annotations

import lzma
import struct
import zlib
from pathlib import Path

import pytest

from frostline.data.datasets.rdata import frames
from frostline.errors import FrostlineError

ATTRIBUTES, TAG = 0x200, 0x400


def whole(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}i", *numbers)


def chars(text: str | None) -> bytes:
    content = (text or "").encode()
    return whole(9, -1) if text is None else whole(9, len(content)) + content


def strings(*texts: str | None, flags: int = 0) -> bytes:
    return whole(16 | flags, len(texts)) + b"".join(map(chars, texts))


def attributes(**values: bytes) -> bytes:
    pairs = [whole(2 | TAG) + whole(1) + chars(name) + value for name, value in values.items()]
    return b"".join(pairs) + whole(254)


def named(**values: bytes) -> bytes:
    return whole(19 | ATTRIBUTES, len(values)) + b"".join(values.values()) + attributes(names=strings(*values))


def factor(codes: list[int], levels: list[str]) -> bytes:
    return whole(13 | ATTRIBUTES, len(codes), *codes) + attributes(levels=strings(*levels))


def r_object(content: bytes, version: int = 3) -> bytes:
    encoding = whole(5) + b"UTF-8" if version == 3 else b""
    return b"X\n" + whole(version, 0x040202, 0x030500) + encoding + content


def chunk(content: bytes, kind: str) -> bytes:
    size = struct.pack(">i", len(content))
    if kind == "zlib":
        return size + zlib.compress(content)
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
    return size + b"Z" + lzma.compress(content, format=lzma.FORMAT_RAW, filters=filters)


def write(folder: Path, content: bytes, kind: str) -> None:
    packed = chunk(content, kind)
    place = whole(13, 2, 3, len(packed))
    (folder / "x.rdb").write_bytes(b"..." + packed)
    (folder / "x.rdx").write_bytes(zlib.compress(r_object(named(variables=named(frame=place)))))


@pytest.mark.parametrize("kind", ["zlib", "Z"])
@pytest.mark.parametrize("version", [2, 3])
def test_a_data_frame_is_read_column_by_column(tmp_path: Path, kind: str, version: int) -> None:
    real = whole(14, 3) + struct.pack(">3d", 0.5, 1.0, -2.0)
    compact = whole(238) + whole(254) * 3
    columns = named(
        text=strings("café", None, ""), mood=factor([2, 1, -(2**31)], ["bad", "good"]), rating=real, row=compact
    )
    write(tmp_path, r_object(columns, version), kind)
    assert frames(tmp_path, "x", ["frame"]) == [
        {"text": ["café", None, ""], "mood": ["good", "bad", None], "rating": [0.5, 1.0, -2.0], "row": []}
    ]


def test_a_name_that_comes_again_is_a_reference(tmp_path: Path) -> None:
    levels = strings("a", "b")
    first = whole(13 | ATTRIBUTES, 1, 1) + attributes(levels=levels)
    again = whole(13 | ATTRIBUTES, 1, 2) + whole(2 | TAG) + whole(1 << 8 | 255) + levels + whole(254)
    write(tmp_path, r_object(named(one=first, two=again)), "zlib")
    assert frames(tmp_path, "x", ["frame"]) == [{"one": ["a"], "two": ["b"]}]


def test_what_is_no_data_frame_is_said(tmp_path: Path) -> None:
    write(tmp_path, r_object(named(function=whole(3, 1))), "zlib")
    with pytest.raises(FrostlineError, match="R's type 3 is none of a data frame's"):
        frames(tmp_path, "x", ["frame"])
    write(tmp_path, b"A\n", "zlib")
    with pytest.raises(FrostlineError, match="no R object in XDR form"):
        frames(tmp_path, "x", ["frame"])
