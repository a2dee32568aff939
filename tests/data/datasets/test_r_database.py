"""Data frames in R's lazy-load databases, written here byte by byte as "R Internals", section 1.8, describes it."""

from __future__ import annotations

import lzma
import struct
import zlib
from pathlib import Path

import pytest

from frostline.data.datasets.r_database import read_data_frames
from frostline.errors import FrostlineError

OBJECT, ATTRIBUTES, TAG = 0x100, 0x200, 0x400
NA = -(2**31)  # among integers


def whole(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}i", *numbers)


def chars(text: str | None) -> bytes:
    content = (text or "").encode()
    return whole(9, -1) if text is None else whole(9, len(content)) + content


def strings(*texts: str | None, flags: int = 0) -> bytes:
    return whole(16 | flags, len(texts)) + b"".join(map(chars, texts))


def symbol(name: str) -> bytes:
    return whole(1) + chars(name)


def attributes(**values: bytes) -> bytes:
    pairs = [whole(2 | TAG) + symbol(name) + value for name, value in values.items()]
    return b"".join(pairs) + whole(254)


def named(values: dict[str, bytes], flags: int = ATTRIBUTES, **more: bytes) -> bytes:
    """A list with names and other attributes."""
    return whole(19 | flags, len(values)) + b"".join(values.values()) + attributes(names=strings(*values), **more)


def data_frame(rows: int, *classes: str, **columns: bytes) -> bytes:
    """A data frame with the row names 1, 2, ... in R's short form."""
    names = {"row.names": whole(13, 2, NA, -rows)}
    return named(columns, OBJECT | ATTRIBUTES, **{"class": strings(*classes, "data.frame")}, **names)


def sequence(count: int) -> bytes:
    """The integers 1, 2, ... as R stores them without writing each of them (ALTREP)."""
    kind = whole(2) + symbol("compact_intseq") + whole(2) + symbol("base") + whole(2) + whole(13, 1, 13) + whole(254)
    return whole(238) + kind + whole(14, 3) + struct.pack(">3d", count, 1, 1) + whole(254)


def factor(codes: list[int], levels: list[str]) -> bytes:
    more = {"levels": strings(*levels), "class": strings("factor")}
    return whole(13 | OBJECT | ATTRIBUTES, len(codes), *codes) + attributes(**more)


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
    position = whole(13, 2, 3, len(packed))
    (folder / "x.rdb").write_bytes(b"..." + packed)
    index = named({"variables": named({"frame": position})})
    (folder / "x.rdx").write_bytes(zlib.compress(r_object(index)))


@pytest.mark.parametrize("classes", [[], ["tbl_df", "tbl"]], ids=["data frame", "tibble"])
@pytest.mark.parametrize("kind", ["zlib", "Z"])
@pytest.mark.parametrize("version", [2, 3])
def test_a_data_frame_is_read_column_by_column(tmp_path: Path, kind: str, version: int, classes: list[str]) -> None:
    columns = {
        "text": strings("café", None, ""),
        "mood": factor([2, 1, NA], ["bad", "good"]),
        "rating": whole(14, 3) + struct.pack(">3d", 0.5, 1.0, -2.0),
        "row": sequence(3),
    }
    write(tmp_path, r_object(data_frame(3, *classes, **columns), version), kind)
    [frame] = read_data_frames(tmp_path, "x", ["frame"])
    assert frame == {
        "text": ["café", None, ""],
        "mood": ["good", "bad", None],
        "rating": [0.5, 1.0, -2.0],
        "row": [1, 2, 3],
    }
    assert {type(text) for text in (*frame["text"], *frame["mood"])} == {str, type(None)}


def test_a_name_that_is_repeated_is_read_as_a_reference(tmp_path: Path) -> None:
    levels = strings("a", "b")
    factor_class = whole(2 | TAG) + symbol("class") + strings("factor") + whole(254)
    first = whole(13 | OBJECT | ATTRIBUTES, 1, 1) + whole(2 | TAG) + symbol("levels") + levels + factor_class
    second_class = whole(2 | TAG) + whole(2 << 8 | 255) + strings("factor") + whole(254)
    second = whole(13 | OBJECT | ATTRIBUTES, 1, 2) + whole(2 | TAG) + whole(1 << 8 | 255) + levels + second_class
    write(tmp_path, r_object(data_frame(1, one=first, two=second)), "zlib")
    assert read_data_frames(tmp_path, "x", ["frame"]) == [{"one": ["a"], "two": ["b"]}]


def test_an_object_that_is_not_a_data_frame_is_refused(tmp_path: Path) -> None:
    write(tmp_path, r_object(named({"text": strings("a")})), "zlib")
    with pytest.raises(FrostlineError, match="frame in the R database is not a data frame, but dict"):
        read_data_frames(tmp_path, "x", ["frame"])
    write(tmp_path, b"A\n", "zlib")
    with pytest.raises(FrostlineError, match="the content of the R database cannot be read"):
        read_data_frames(tmp_path, "x", ["frame"])
