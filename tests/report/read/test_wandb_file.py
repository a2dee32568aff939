"""Runs of which there is no more than what W&B has kept."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
import yaml

import report_folders as folders
from command_line import Command, in_process

frostline = in_process


def written(folder: Path, config: dict[str, Any], numbers: dict[str, Any], code: int = 0) -> Path:
    """W&B's file with three records in pieces of at most a block, as LevelDB would write them."""
    from wandb.proto import wandb_internal_pb2 as records

    run, summary, end = records.Record(), records.Record(), records.Record()
    for name, value in config.items():
        run.run.config.update.add(key=name, value_json=json.dumps(value))
    for name, value in numbers.items():
        summary.summary.update.add(key=name, value_json=json.dumps(value))
    end.exit.exit_code = code
    content = b":W&B" + struct.pack("<HB", 0xBEE1, 0)
    for record in (run, summary, end):
        content = _appended(content, record.SerializeToString())
    folder.mkdir(parents=True)
    (folder / "run-abc.wandb").write_bytes(content)
    return folder


def _appended(content: bytes, record: bytes) -> bytes:
    first = True
    while True:
        left = 32768 - len(content) % 32768
        if left < 7:
            content += bytes(left)
            continue
        piece, record = record[: left - 7], record[left - 7 :]
        kind = (1 if first else 4) if not record else (2 if first else 3)
        content += struct.pack("<IHB", 0, len(piece), kind) + piece
        if not record:
            return content
        first = False


def kept_by_wandb(made: Path, root: Path) -> Path:
    """What our logger gives W&B of a run."""
    result = json.loads((made / "result.json").read_text())
    config = yaml.safe_load((made / "config.yaml").read_text())
    numbers = result["metrics"] | {f"cost/{name}": value for name, value in result["cost"].items()}
    numbers |= {f"parameters/{name}": value for name, value in result["parameters"].items()} | {"best/epoch": 0}
    padding = {"padding": "x" * 40_000}  # so that a record goes over the end of a block
    about = {"choices": result["choices"], "id": result["id"], "_wandb": padding}
    return written(root / f"offline-run-{made.name}", config | about, numbers | {"train/loss": 1.0, "step": 3})


def test_the_table_is_that_of_the_folders(frostline: Command) -> None:
    made = folders.grid(Path("runs"), ["frozen", "full"], [1, 2])
    for folder in made.values():
        kept_by_wandb(folder, Path("kept"))
    asked = ["--cols", "dataset", "--metric", "test/loss,cost/seconds", "--format", "json"]
    told = [json.loads(frostline("report", place, *asked).out) for place in ("runs", "kept")]
    assert told[0]["rows"] == told[1]["rows"]
    (warning,) = told[1]["warnings"]
    assert "4 runs of which no environment.json can be read" in warning
    assert frostline("report", "runs", "kept", *asked).out == frostline("report", "runs", *asked).out


def test_runs_that_came_to_nothing_are_named(frostline: Command) -> None:
    kept = kept_by_wandb(folders.run(Path("runs")), Path("kept"))
    about = {"choices": folders.CHOICES, "id": "0123456789ab", **folders.CONFIG}
    lost = written(Path("kept/offline-run-2"), about, {"val/loss": 1.0}, code=1)
    cut = Path(shutil.copytree(kept, "kept/offline-run-3"))
    (cut / "run-abc.wandb").write_bytes((kept / "run-abc.wandb").read_bytes()[:-60_000])
    foreign = written(Path("kept/offline-run-4"), {"lr": 1}, {"test/loss": 1.0})
    found = json.loads(frostline("report", "kept", "--format", "json").out)["warnings"]
    for said, folder in (("1 run failed", lost), ("frostline", foreign), ("cannot be read", cut)):
        assert any(said in warning and str(folder) in warning for warning in found), said


@pytest.mark.slow
def test_a_real_offline_run_is_read(frostline: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    small = ["dataset.max_train=64", "dataset.max_val=64", "dataset.max_test=64", "trainer.max_epochs=1"]
    assert frostline("freezing=frozen", *small).status == 0
    (file,) = Path("runs").glob("*/*/wandb/offline-run-*/*.wandb")
    shutil.copytree(file.parent, "kept")
    asked = ["--metric", "test/f1_macro,cost/texts_read", "--format", "json"]
    told = [json.loads(frostline("report", place, *asked).out)["rows"] for place in ("runs", "kept")]
    assert told[0] == told[1]
