"""Lines of a pipe as they arrive: one at a time from a slow writer, many at once from a fast one."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator, Sequence

from frostline.errors import user_error

BYTES = 1 << 16


def read_lines(descriptor: int, size: int) -> Iterator[Sequence[str]]:
    """Yield lists of at most `size` lines without their ends, each as soon as no further line is waiting.

    descriptor: of a file or a pipe with text in UTF-8. A byte order mark at the beginning is left out.

    Raises:
        UserError: a line is not UTF-8.
    """
    rest, count, at_end = b"", 0, False
    while not at_end:
        lines = list[bytes]()
        while not at_end and len(lines) < size and (not lines or _has_more(descriptor)):
            content = os.read(descriptor, BYTES)
            at_end = not content
            *complete, rest = (rest + content).split(b"\n")
            lines += complete
            if at_end and rest:
                lines.append(rest)
        for start in range(0, len(lines), size):
            yield [_decoded(line, count + i) for i, line in enumerate(lines[start : start + size], start=1)]
            count += len(lines[start : start + size])


def _has_more(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


def _decoded(line: bytes, number: int) -> str:
    try:
        text = line.removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError as error:
        raise user_error("-", f"line {number} is not UTF-8", "convert the texts, such as with iconv") from error
    return text.removeprefix("\ufeff") if number == 1 else text
