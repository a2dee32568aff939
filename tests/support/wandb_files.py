"""Read W&B's offline files with `wandb leet inspect`, and make an environment without credentials."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from frostline.data.downloads.package_cache import cache_folder

CLI = shutil.which("wandb", path=str(Path(sys.executable).parent)) or "wandb"
Records = list[dict[str, Any]]


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return variables without a key or a mode of W&B; the download cache stays the same."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_") and not k.lower().endswith("_proxy")}
    apart = {"HOME": str(home), "NETRC": str(home / "netrc"), "WANDB_CONFIG_DIR": str(home / "config")}
    return variables | apart | {"WANDB_CACHE_DIR": str(home / "cache"), "FROSTLINE_CACHE": str(cache_folder())} | more


def read(folder: Path) -> list[Records]:
    """Return the records of each W&B run in a folder, in the order of their starts."""
    files = sorted(folder.glob("wandb/*run-*/*.wandb"), key=lambda path: path.parent.name.split("-")[-2])
    command = [CLI, "leet", "inspect", "--json"]
    readers = [subprocess.Popen([*command, str(path)], text=True, stdout=subprocess.PIPE) for path in files]
    return [[json.loads(line) for line in reader.communicate(timeout=60)[0].splitlines()] for reader in readers]


def history(records: Records) -> list[dict[str, Any]]:
    rows = [record["history"]["item"] for record in records if record["type"] == "history"]
    return [{key: value for key, value in row.items() if not key.startswith("_")} for row in rows]


def summary(records: Records) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for record in records:
        merged |= record["summary"]["update"] if record["type"] == "summary" else {}
    return merged


def about(records: Records) -> dict[str, Any]:
    run: dict[str, Any] = next(record["run"] for record in records if record["type"] == "run")
    return run


def config(records: Records) -> dict[str, Any]:
    return {key: value for key, value in about(records)["config"]["update"].items() if key != "_wandb"}


def exits(records: Records) -> list[int]:
    """Return the exit status of a finished run."""
    return [record["exit"].get("exit_code", 0) for record in records if record["type"] == "exit"]
