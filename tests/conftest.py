"""What tests share: a folder of their own, and runs in this process on real encoders and texts."""

from __future__ import annotations

import gc
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is there: as many threads as cores in each would stand in queues
    os.environ.setdefault("OMP_NUM_THREADS", "1")

Go = Callable[..., dict[str, Any]]


def pytest_collection_finish() -> None:
    """Look no longer for garbage among the imported modules and the collected tests, which stay to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def computed_once() -> None:
    from once import remember

    remember()


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs go to runs/ below an empty folder, the store is empty too; nothing is sent anywhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FROSTLINE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("WANDB_MODE", "disabled")


@pytest.fixture
def no_wandb_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give this process neither a W&B key nor a mode, so that W&B keeps its runs in the working folder."""
    from wandb_files import environment

    for name, value in environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    return tmp_path


@pytest.fixture
def job() -> Callable[..., Any]:
    """The checked job of a command line, as `frostline` itself sees it."""
    from frostline.config import jobs as command

    def one(*overrides: str) -> Any:
        (found,) = command.jobs_of_command(["logger=csv", *overrides])
        return found

    return one


@pytest.fixture
def go(job: Callable[..., Any]) -> Go:
    """Do a run and give its result, with the folder under the key `folder`."""
    from frostline.training.run import run

    def one(*overrides: str) -> dict[str, Any]:
        found = job(*overrides)
        result = run(found.config, found.choices, found.overrides, found.folder)
        return result | {"folder": found.folder.absolute()}

    return one


@pytest.fixture
def plain(job: Callable[..., Any]) -> list[str]:
    """An encoder without dropout, in which ranks and parts of a batch change nothing but rounding."""
    from frostline.models.encoders.auto_model import locate_checkpoint

    known = job("encoder=bert_tiny").config["encoder"]
    shutil.copytree(locate_checkpoint(known["name"], known["pin"]), "plain")
    file = Path("plain/config.json")
    config = json.loads(file.read_text())
    file.write_text(json.dumps(config | {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}))
    return ["encoder=hub", "encoder.name=plain"]
