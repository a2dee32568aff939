"""One run, one folder: claimed by one process, kept for its run, complete when result.json exists."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from frostline.errors import UserError
from frostline.results.atomic_files import read_json, write_json
from frostline.results.folder import RunFolder

HOLDER = """
import sys
from pathlib import Path
from frostline.results.folder import RunFolder
with RunFolder(Path(sys.argv[1])).claimed({"id": sys.argv[2], "choices": {}, "overrides": []}):
    print("held", flush=True)
    sys.stdin.readline()
"""


def job(name: str = "aaaa") -> dict[str, Any]:
    return {"id": name, "choices": {"head": "linear"}, "overrides": ["seed=2"]}


def hold(path: Path, name: str = "aaaa") -> subprocess.Popen[bytes]:
    """Another process that holds the folder until its standard input ends."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
    return holder


def refused(path: Path, name: str = "aaaa") -> str:
    with pytest.raises(UserError) as caught, RunFolder(path).claimed(job(name)):
        pass
    assert caught.value.status == 2
    (problem,) = caught.value.problems
    return str(problem)


def test_a_claim_makes_the_folder_and_says_whose_it_is(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "study" / "one")
    with folder.claimed(job()):
        assert read_json(folder.job) == job()
        assert folder.checkpoints.is_dir()


def test_a_folder_can_be_claimed_again_for_its_own_run(tmp_path: Path) -> None:
    for _ in range(3):
        with RunFolder(tmp_path).claimed(job()):
            pass


def test_another_run_s_folder_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with folder.claimed(job("aaaa")):
        pass
    assert refused(tmp_path, "bbbb") == (
        f"hydra.run.dir: '{tmp_path}' belongs to another run (aaaa, this one is bbbb); choose an empty folder"
    )
    assert read_json(folder.job)["id"] == "aaaa"


def test_two_processes_do_not_work_in_one_folder(tmp_path: Path) -> None:
    with hold(tmp_path) as holder:
        assert refused(tmp_path) == (
            f"hydra.run.dir: another process works in '{tmp_path}'; wait for it, or choose another folder"
        )
        holder.communicate(b"\n")
    with RunFolder(tmp_path).claimed(job()):
        pass


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    with hold(tmp_path) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with RunFolder(tmp_path).claimed(job()):
        pass


def test_a_run_that_fails_lets_its_folder_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), RunFolder(tmp_path).claimed(job()):
        _ = 1 / 0
    with RunFolder(tmp_path).claimed(job()):
        pass


def test_a_folder_that_cannot_be_made_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "run"
    assert refused(path) == f"hydra.run.dir: '{path}' cannot be written (Not a directory); choose another"


def test_a_result_means_that_the_run_is_complete(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.read_result() is None
    write_json(folder.result, {"id": "aaaa"})
    assert folder.read_result() == {"id": "aaaa"}


def test_the_names_in_a_folder_are_the_contract(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    named = [folder.config, folder.plan, folder.metrics, folder.environment, folder.checkpoints]
    assert [path.relative_to(tmp_path).as_posix() for path in [*named, folder.result, folder.failure]] == [
        "config.yaml",
        "plan.txt",
        "metrics.csv",
        "environment.json",
        "checkpoints",
        "result.json",
        "failure.json",
    ]


def test_a_claim_clears_what_a_kill_left_half_written_and_nothing_else(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.checkpoints.mkdir()
    kept = [folder.best, folder.resume_checkpoint, tmp_path / ".hydra", tmp_path / "notes.1"]
    halves = [tmp_path / ".config.yaml.123", folder.checkpoints / "last.ckpt.part"]
    for file in kept + halves:
        file.touch()
    with folder.claimed(job()):
        assert all(file.exists() for file in kept)
        assert not any(file.exists() for file in halves)


def test_a_claim_of_a_complete_run_changes_nothing(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with folder.claimed(job()):
        write_json(folder.result, {"id": "aaaa"})
    before = {file: file.stat().st_mtime_ns for file in [tmp_path, *tmp_path.rglob("*")]}
    with folder.claimed(job() | {"overrides": ["seed=2", "study=default"]}):
        pass
    assert {file: file.stat().st_mtime_ns for file in [tmp_path, *tmp_path.rglob("*")]} == before
