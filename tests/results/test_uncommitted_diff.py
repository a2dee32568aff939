"""The recorded patch has the changes of code, and names the large files that it leaves out."""

from __future__ import annotations

import hashlib
import random
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.results import environment
from frostline.results.uncommitted_diff import MAX_BYTES, read_diff


def git(*words: str, folder: str = ".") -> bytes:
    own = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-C", folder]
    return subprocess.run(["git", *own, *words], check=True, capture_output=True, timeout=60).stdout


def commit(files: dict[str, bytes], folder: str = ".") -> None:
    for name, content in files.items():
        Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
        Path(folder, name).write_bytes(content)
    git("init", "-q", folder=folder)
    git("add", ".", folder=folder)
    git("commit", "-q", "-m", "first", folder=folder)


def test_a_large_csv_is_named_and_code_is_kept() -> None:
    row = b"a text with some words,label\n"
    commit({"data/my.csv": row * 10, "part.py": b"x = 1\n", "é b.csv": b"1"})
    Path("data/my.csv").write_bytes(row * (3 * MAX_BYTES // len(row)))
    Path("é b.csv").write_bytes(random.Random(0).randbytes(2 * MAX_BYTES))  # cannot be compressed
    Path("part.py").write_bytes(b"x = 2\n")
    whole = git("diff", "--binary", "HEAD")
    diff = read_diff()
    assert set(diff.left_out) == {"data/my.csv", r"\303\251 b.csv"}  # as git escapes it
    assert "+x = 2" in diff.patch and "my.csv" not in diff.patch and len(diff.patch) < 1000
    assert (diff.size, diff.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
    recorded = environment.capture()
    assert recorded.diff == diff.patch
    assert recorded.values["git"]["dirty"] and recorded.values["git"]["diff"]["left_out"] == list(diff.left_out)


def test_a_small_change_of_data_is_kept_and_described_by_nothing_else() -> None:
    commit({"my.csv": b"1\n"})
    Path("my.csv").write_bytes(b"2\n")
    assert "+2" in read_diff().patch and read_diff().described() == {}
    assert set(environment.capture().values["git"]) == {"commit", "dirty"}


def test_outside_a_repository_there_is_no_patch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert (read_diff().patch, read_diff().size) == ("", 0)


LINES = st.lists(st.sampled_from([b"diff --git a/x b/x\n", b"+\n", b"text\n", b" \n", b"\xff\n"]), max_size=30)


@settings(max_examples=15, deadline=None)
@given(
    contents=st.dictionaries(st.sampled_from(["a.py", "b.csv", "c/d.yaml", "e.txt"]), LINES, min_size=1),
    limit=st.integers(0, 600),
)
def test_a_patch_applies_to_the_commit_and_has_a_file_whole_or_not_at_all(
    contents: dict[str, list[bytes]], limit: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        changed = {name: b"".join(lines) for name, lines in contents.items()}
        commit(dict.fromkeys(changed, b"old\n"))
        for name, content in changed.items():
            Path(name).write_bytes(content)
        diff = read_diff(max_bytes=limit)
        assert len(diff.patch.encode()) <= 4 * limit  # of code and of other files, with three bytes for an unknown one
        git("checkout", "-q", ".")
        if diff.patch and b"\xff" not in b"".join(changed.values()):
            subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], input=diff.patch.encode(), check=True)
        elif diff.patch:
            return  # a text in another encoding is readable in the patch, which need not apply
        for name, content in changed.items():
            assert Path(name).read_bytes() == (b"old\n" if name in diff.left_out else content)
