"""Virtual environments with the package versions of a record, created once and stored in the user's cache.

Frostline itself is the present version, because it reads the record. To use the code that made the record, check out
the recorded commit.
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

NOT_INSTALLED = {"frostline", "pip"}
KEY = "--environment"


def recorded_environment(recorded: Mapping[str, Any]) -> tuple[Path, Path]:
    """Return the Python interpreter of the virtual environment, and the folder from which it imports Frostline.

    recorded: the content of an environment.json.

    Raises:
        UserError: the recorded version of Python is not installed.
        FrostlineError: a recorded version of a package cannot be installed.
    """
    from filelock import FileLock

    packages = {name: version for name, version in recorded["packages"].items() if name.lower() not in NOT_INSTALLED}
    release = ".".join(recorded["python"].split(".")[:2])
    content = hashlib.sha256(json.dumps([release, packages], sort_keys=True).encode()).hexdigest()[:12]
    folder = cache_folder() / "environments" / content
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "complete").exists():
            _create(folder, _find_interpreter(release), packages)
    return folder / "bin" / "python", folder / "ours"


def _find_interpreter(release: str) -> str:
    if release == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    interpreter = shutil.which(f"python{release}")
    if interpreter is None:
        what = f"the run was made with python {release}, which is not installed"
        raise user_error(KEY, what, f"install it, or leave out {KEY}")
    return interpreter


def _create(folder: Path, python: str, packages: Mapping[str, str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    log(f"installing the {len(packages)} recorded packages in {folder}")
    _run_command([python, "-m", "venv", str(folder)])
    requirements = folder / "requirements.txt"
    requirements.write_text("".join(f"{name}=={version}\n" for name, version in packages.items()), encoding="utf-8")
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps"]
    _run_command([*pip, "-r", str(requirements)])
    (folder / "ours").mkdir()
    (folder / "ours" / "frostline").symlink_to(Path(frostline.__file__).parent)
    (folder / "complete").touch()


def _run_command(command: list[str]) -> None:
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if process.returncode:
        lines = [line for line in process.stdout.splitlines() if line.strip()] or [f"{command[0]} failed"]
        errors = [line for line in lines if line.startswith("ERROR")]
        reasons = [line for line in errors if "ResolutionImpossible" not in line] or lines  # that one names no package
        do = "for a build such as 2.9.0+cpu, set PIP_EXTRA_INDEX_URL to the package index that has it"
        reason = reasons[-1].removeprefix("ERROR: ")
        raise FrostlineError(f"{KEY}: the recorded versions cannot be installed: {reason}; {do}")
