"""The text of a file: UTF-8, or as its byte order mark or the settings say."""

from __future__ import annotations

import codecs
from pathlib import Path

from frostline.data.corpus import DataNote
from frostline.errors import UserError, user_error
from frostline.override_text import override_text

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SHOWN = 80  # characters of a line in a message


def read_text(key: str, path: Path, encoding: str | None) -> tuple[str, list[DataNote]]:
    """Return the text of a file without a byte order mark, and a note if the mark decides how it is read.

    Raises:
        UserError: the file is not a text in this encoding, which is UTF-8 where it is None and there is no mark.
    """
    content, notes = path.read_bytes(), []
    if encoding is None and content.startswith(UTF_16):
        encoding = "utf-16"
        notes.append(DataNote("encoding", 1, f"{path.name} is UTF-16, as its byte order mark shows"))
    try:
        text = content.decode(encoding or "utf-8").removeprefix("\ufeff")
    except UnicodeError as error:
        raise _not_decoded(key, path, content, error) from error
    if "\0" in text:
        raise _not_text(key, path, "it contains zero bytes")
    return text, notes


def _not_decoded(key: str, path: Path, content: bytes, error: UnicodeError) -> UserError:
    if not isinstance(error, UnicodeDecodeError):
        return _not_text(key, path, str(error))
    why = f"byte {error.start} is not {error.encoding.upper()}"
    if b"\0" in content:
        return _not_text(key, path, why)
    begin = content.rfind(b"\n", 0, error.start) + 1
    line = content[begin:].partition(b"\n")[0].strip()
    try:
        read = line.decode("cp1252")
    except UnicodeDecodeError:
        do = "save it as UTF-8, or give its encoding as dataset.encoding"
    else:
        at = max(0, len(content[begin : error.start].decode("cp1252", "replace")) - SHOWN // 2)
        number = content.count(b"\n", 0, error.start) + 1
        do = f"save it as UTF-8, or give its encoding: with {override_text('dataset.encoding', 'cp1252')}, "
        do += f"line {number} reads {read[at : at + SHOWN]!r}"
    return user_error(key, f"{path} is not a text file in UTF-8 ({why})", do)


def _not_text(key: str, path: Path, why: str) -> UserError:
    do = "save it as UTF-8, correct its ending, or give its encoding as dataset.encoding, such as utf-16-le"
    return user_error(key, f"{path} is not a text file ({why})", do)
