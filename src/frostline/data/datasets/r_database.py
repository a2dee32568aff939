"""Read data frames from R's lazy-load databases, in which R packages store their data: name.rdx and name.rdb.

The library rdata reads R's objects. The index and the compression are those of R's `tools:::makeLazyLoadDB`.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from frostline.errors import FrostlineError

Column = Sequence[Any]
TIBBLE_CLASSES = ("tbl_df", "tbl")  # a tibble is a data frame with these two classes besides
LZMA2 = [{"id": lzma.FILTER_LZMA2, "preset": 6}]


def read_data_frames(folder: Path, name: str, keys: Sequence[str]) -> list[dict[str, Column]]:
    """Return the data frames of a database as columns by name, with None for R's NA; factors become their levels.

    Raises:
        FrostlineError: the database contains something else under one of the keys.
    """
    index = _read_object(zlib.decompress((folder / f"{name}.rdx").read_bytes(), wbits=47))  # a zlib or a gzip header
    content = (folder / f"{name}.rdb").read_bytes()
    frames = []
    for key in keys:
        start, size = map(int, index["variables"][key])
        frames.append(_columns(key, _read_object(_decompress(content[start : start + size]))))
    return frames


def _decompress(chunk: bytes) -> bytes:
    """Decompress an entry: four bytes for its size, then "Z" and raw LZMA2, or a zlib stream."""
    if chunk[4:5] != b"Z":
        return zlib.decompress(chunk[4:])
    return lzma.decompress(chunk[5:], format=lzma.FORMAT_RAW, filters=LZMA2)


def _read_object(content: bytes) -> Any:
    from rdata.conversion import DEFAULT_CLASS_MAP, SimpleConverter, dataframe_constructor
    from rdata.parser import parse_data

    classes = dict(DEFAULT_CLASS_MAP) | dict.fromkeys(TIBBLE_CLASSES, dataframe_constructor)
    try:
        return SimpleConverter(classes, default_encoding="utf-8").convert(parse_data(content, extension=".rds"))
    except (NotImplementedError, ValueError) as error:
        raise FrostlineError(f"the content of the R database cannot be read ({error})") from error


def _columns(key: str, frame: Any) -> dict[str, Column]:
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise FrostlineError(f"{key} in the R database is not a data frame, but {type(frame).__name__}")
    objects = frame.astype(object)
    return {str(name): objects[name].where(frame[name].notna(), None).tolist() for name in frame.columns}
