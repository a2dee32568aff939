"""The state of a run folder before and after a run."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from frostline.errors import FrostlineError, Problem, UserError
from frostline.results.atomic_files import read_json, write_json
from frostline.results.folder import RunFolder
from frostline.results.search_storage import Pruned
from frostline.training.lifecycle import fast_imports, final_result, record_failure, start, stored_result

JOB = {"id": "a1", "choices": {}, "overrides": []}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run_folder = RunFolder(tmp_path / "run")
    run_folder.checkpoints.mkdir(parents=True)
    return run_folder


def test_a_stored_result_is_returned_and_files_of_a_killed_run_are_removed(folder: RunFolder) -> None:
    result: dict[str, Any] = {"id": "a1", "metrics": {"test/accuracy": 0.5}}
    write_json(folder.result, result)
    folder.resume_checkpoint.write_text("left by a kill")
    assert stored_result(folder, JOB) == result
    assert not folder.resume_checkpoint.exists()


def test_the_result_of_another_run_is_not_returned(folder: RunFolder) -> None:
    assert stored_result(folder, JOB) is None
    write_json(folder.result, {"id": "b2"})
    folder.resume_checkpoint.write_text("of the other run")
    assert stored_result(folder, JOB) is None
    assert folder.resume_checkpoint.exists()


def test_a_start_writes_the_config_and_removes_what_an_earlier_attempt_left(folder: RunFolder) -> None:
    write_json(folder.failure, {})
    write_json(folder.pruned, {})
    start(folder, {"seed": 1, "study": "ä"})
    assert yaml.safe_load(folder.config.read_text(encoding="utf-8")) == {"seed": 1, "study": "ä"}
    assert not folder.failure.exists() and not folder.pruned.exists()


def test_a_failure_names_the_error_and_the_keys(folder: RunFolder) -> None:
    record_failure(folder, UserError([Problem("optimizer.lr", "is too high", "lower it")]))
    failure = read_json(folder.failure)
    assert failure["what"].startswith("UserError: ")
    assert failure["keys"] == ["optimizer.lr"]
    record_failure(folder, ValueError("no shape"))
    assert read_json(folder.failure)["what"] == "ValueError: no shape"
    assert read_json(folder.failure)["keys"] == []


def test_a_run_without_a_result_has_failed_or_was_pruned(folder: RunFolder) -> None:
    with pytest.raises(FrostlineError, match="without a result"):
        final_result(folder)
    write_json(folder.pruned, {"what": "val/f1_macro 0.1 after epoch 1 of 2"})
    with pytest.raises(Pruned, match="after epoch 1"):
        final_result(folder)
    write_json(folder.result, {"id": "a1"})
    assert final_result(folder) == {"id": "a1"}


def test_garbage_is_collected_again_after_the_imports_even_if_they_fail() -> None:
    code = """
import gc
from frostline.training.lifecycle import fast_imports
class Node: pass
def frozen_and_enabled():
    return gc.get_freeze_count() > 0, gc.isenabled()
assert frozen_and_enabled() == (False, True)
try:
    with fast_imports():
        assert not gc.isenabled()
        raise ImportError
except ImportError:
    print(*frozen_and_enabled())
node = Node()
node.itself = node
del node
print(gc.collect() > 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("True True\nTrue\n", 0), done.stderr


def test_a_process_that_has_imported_lightning_collects_garbage_as_before() -> None:
    import lightning  # noqa: F401  # as any run in this process has done

    before = gc.get_freeze_count()
    with fast_imports():
        assert gc.isenabled()
    assert (gc.get_freeze_count(), gc.isenabled()) == (before, True)
