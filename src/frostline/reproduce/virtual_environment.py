"""An environment with the versions that a record names, made once and kept in the user's cache.

Of Frostline itself the present version is used: it reads the record. The code that a record is of is at its commit.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import frostline
from frostline.console import log
from frostline.data.downloads.package_cache import cache_folder
from frostline.errors import FrostlineError, user_error

OURS = {"frostline", "pip"}
KEY = "--environment"


def rebuilt(recorded: Mapping[str, Any]) -> tuple[Path, Path]:
    """Its python, and the folder that Frostline is imported from. recorded: an environment.json.

    Raises:
        UserError: there is no such python here.
        FrostlineError: the versions cannot be had; says which.
    """
    from filelock import FileLock

    packages = {name: version for name, version in recorded["packages"].items() if name.lower() not in OURS}
    release = ".".join(recorded["python"].split(".")[:2])
    content = hashlib.sha256(json.dumps([release, packages], sort_keys=True).encode()).hexdigest()[:12]
    folder = cache_folder() / "environments" / content
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "complete").exists():
            _make(folder, _interpreter(release), packages)
    return folder / "bin" / "python", folder / "ours"


def _interpreter(release: str) -> str:
    if release == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{release}")
    if found is None:
        raise user_error(
            KEY, f"the run was made with python {release}, which is not here", "install it, or leave this out"
        )
    return found


def _make(folder: Path, python: str, packages: Mapping[str, str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    log(f"making an environment of the {len(packages)} recorded packages in {folder}")
    _do([python, "-m", "venv", str(folder)])
    wanted = folder / "requirements.txt"
    wanted.write_text("".join(f"{name}=={version}\n" for name, version in packages.items()), encoding="utf-8")
    _do([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(wanted)])
    (folder / "ours").mkdir()
    (folder / "ours" / "frostline").symlink_to(Path(frostline.__file__).parent)
    (folder / "complete").touch()


def _do(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if line.strip()] or [f"{command[0]} failed"]
        errors = [line for line in lines if line.startswith("ERROR")]
        why = [line for line in errors if "ResolutionImpossible" not in line] or lines  # which names no package
        do = "a build such as 2.9.0+cpu may be on an index of its own, that pip is told by PIP_EXTRA_INDEX_URL"
        raise FrostlineError(f"{KEY}: the recorded versions cannot be had: {why[-1].removeprefix('ERROR: ')}; {do}")
