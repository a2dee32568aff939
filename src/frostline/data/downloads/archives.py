"""Read files from archives: zip, tar, Debian packages, and archives inside archives."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from typing import IO

NESTED = "!/"
AR, AR_HEADER = b"!<arch>\n", 60


def members(archive: bytes, inside: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the path and the content of each regular file in a folder of the archive.

    inside: ``a/b``, or ``a/b.tar.gz!/c`` for folder c of an archive inside the archive. Paths are relative to it.
    """
    outer, _, inner = inside.partition(NESTED)
    for name, content in _files(archive):
        if inner and name == outer:
            yield from members(content.read(), inner)
        elif not inner and name.startswith(f"{outer}/"):
            yield name.removeprefix(f"{outer}/"), content


def _files(archive: bytes) -> Iterator[tuple[str, IO[bytes]]]:
    if archive.startswith(AR):
        yield from _deb(archive)
    elif zipfile.is_zipfile(io.BytesIO(archive)):
        yield from _zip(archive)
    else:
        yield from _tar(archive)


def _zip(archive: bytes) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        for info in packed.infolist():
            if not info.is_dir():
                with packed.open(info) as content:
                    yield info.filename, content


def _tar(archive: bytes) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        for member in packed:
            if member.isfile() and (extracted := packed.extractfile(member)):
                yield member.name.removeprefix("./"), extracted


def _deb(archive: bytes) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the files that a Debian package installs: those in data.tar.* of an `ar` archive (deb(5)).

    A member has a header of 60 bytes, with the name in the first 16 and the decimal size from 48 to 58. Contents are
    padded to an even size.
    """
    start = len(AR)
    while start + AR_HEADER <= len(archive):
        header = archive[start : start + AR_HEADER]
        name, size = header[:16].decode("ascii", "replace").strip().rstrip("/"), int(header[48:58])
        start += AR_HEADER
        if name.startswith("data.tar"):
            yield from _tar(archive[start : start + size])
        start += size + size % 2
