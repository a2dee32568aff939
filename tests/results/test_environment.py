"""What another machine is told of where a run was made."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from frostline.results import environment

LINES = "one\ntwo\nthree\nfour\n\n\n"


def git(*words: str) -> str:
    own = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    return subprocess.run(["git", *own, *words], check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def commit(text: bytes) -> str:
    Path("part.py").write_bytes(text)
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    return git("rev-parse", "HEAD")


def test_outside_a_repository_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert environment.git_commit() == {"commit": None, "dirty": None}
    assert environment.uncommitted_changes().patch == ""


def test_a_clean_tree_is_its_commit() -> None:
    made = commit(LINES.encode())
    assert environment.git_commit() == {"commit": made, "dirty": False}
    assert environment.uncommitted_changes().patch == ""


def test_a_dirty_tree_is_made_again_from_commit_and_diff(tmp_path: Path) -> None:
    commit(LINES.encode())
    changed = LINES.replace("three", "3").encode()
    Path("part.py").write_bytes(changed)
    assert environment.git_commit()["dirty"]
    patch = environment.uncommitted_changes().patch
    git("checkout", "part.py")
    (tmp_path / "uncommitted.diff").write_text(patch)
    git("apply", "uncommitted.diff")
    assert Path("part.py").read_bytes() == changed


def test_a_file_of_another_encoding_does_not_stop_a_run() -> None:
    commit(b"caf\xe9\n")
    Path("part.py").write_bytes(b"caf\xe9s\n")
    assert "+caf" in environment.uncommitted_changes().patch


def test_a_new_file_makes_a_tree_dirty() -> None:
    commit(b"")
    Path("new.py").touch()
    assert environment.git_commit()["dirty"]
    assert environment.uncommitted_changes().patch == ""


def test_what_a_study_writes_of_itself_makes_no_tree_dirty() -> None:
    folder = Path("experiments", "lab")
    folder.mkdir(parents=True)
    Path(folder, "README.md").write_text("Not run yet.")
    made = commit(b"")
    Path(folder, "README.md").write_text("Yes.")
    Path(folder, "results.csv").touch()
    Path(folder, "figures").mkdir()
    Path(folder, "figures", "scores.svg").touch()
    assert (environment.git_commit(), environment.uncommitted_changes().patch) == ({"commit": made, "dirty": False}, "")
    Path(folder, "study.yaml").touch()
    assert environment.git_commit()["dirty"]


def test_the_packages_are_those_installed() -> None:
    found = environment.installed_packages()
    assert found["torch"] == metadata.version("torch")
    assert list(found) == sorted(found, key=str.lower)
