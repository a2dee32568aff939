"""An exported folder is complete or absent, and never written over an existing one."""

from __future__ import annotations

import errno
import resource
from pathlib import Path

import pytest

from frostline.errors import UserError
from frostline.export.export import export_model
from frostline.export.folder import atomic_folder
from trained_models import bert_tiny, trained_model


def test_a_folder_gets_its_name_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "new" / "model"
    with atomic_folder(target) as folder:
        assert not target.exists() and folder.parent == target.parent
        (folder / "weights").write_bytes(b"1")
        (folder / "weights").chmod(0o600)
    assert (target / "weights").read_bytes() == b"1"
    assert (target / "weights").stat().st_mode & 0o777 == target.stat().st_mode & 0o666
    assert [path.name for path in target.parent.iterdir()] == ["model"]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), ValueError("any"), KeyboardInterrupt()]
)
def test_nothing_remains_of_a_folder_that_could_not_be_written(error: BaseException, tmp_path: Path) -> None:
    expected = UserError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected) as raised, atomic_folder(tmp_path / "model") as folder:
        (folder / "part").write_text("half")
        raise error
    if isinstance(error, OSError):
        assert "model: cannot be written (No space left on device); choose another folder" in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_within_safetensors_is_reported_and_leaves_nothing(tmp_path: Path) -> None:
    trained = trained_model(bert_tiny(tmp_path / "checkpoint"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, limits[1]))  # bytes of a file; the weights have 17 MB
    try:
        with pytest.raises(UserError, match=r"out: cannot be written .*too large.*; choose another folder"):
            export_model(trained, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_an_existing_folder_or_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to("nowhere")
    for name, what in (("folder", "exists already"), ("file", "exists already"), ("link", "exists already"),
                       ("file/model", "would be inside")):  # fmt: skip
        with pytest.raises(UserError, match=what), atomic_folder(tmp_path / name):
            raise AssertionError("nothing may be written")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "link"]
