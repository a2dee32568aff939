"""The local files and folders that the arguments of a part name, and their checksums."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from frostline.config.checks.source import capabilities
from frostline.data.downloads.package_cache import cache_folder
from frostline.errors import Problem, UserError, user_error
from frostline.models.interfaces import Capability
from frostline.results.file_digest import combined, file_digest, folder_digest
from frostline.results.home_paths import expand_home
from frostline.results.identity import CODE_KEYS

PATHS = {"cache": ("dir",), "paths": ("runs",)}  # keys of groups that name paths
PathTest = Callable[[Path], bool]
OURS = "frostline."
ADAPTER_CONFIG = "adapter_config.json"  # of peft, in a folder with an adapter; it names the folder of the base model


def path_digests(part: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield key and checksum of each file or folder that an argument of a part names, alone or in a list.

    prefix: the text before the name of an argument in its key, such as `dataset.`.

    Raises:
        UserError: a file cannot be read.
    """
    for name, test in _path_arguments(str(part["_target_"]), part):
        value = part[name]
        for i, item in enumerate(value if isinstance(value, list | tuple) else [value]):
            if isinstance(item, str) and (path := _existing(item, test)) is not None:
                key = f"{prefix}{name}" if item is value else f"{prefix}{name}.{i}"
                yield key, read_digest(key, path)


def home_problems(config: Mapping[str, Any]) -> list[Problem]:
    """Return a problem for each path that begins with ~ and a home folder that does not exist."""
    problems: list[Problem] = []
    for group, part in config.items():
        if not isinstance(part, Mapping):
            continue
        declared = capabilities(target) if isinstance(target := part.get("_target_"), str) else {}
        kinds = (Capability.LOCAL_FILES, Capability.LOCAL_FOLDERS)
        for name in [*PATHS.get(group, ()), *(name for kind in kinds for name in declared.get(kind) or ())]:
            value = part.get(name)
            try:
                if isinstance(value, str):
                    expand_home(value, f"{group}.{name}")
            except UserError as error:
                problems += error.problems
    return problems


def read_digest(key: str, path: Path) -> str:
    """Return the checksum of a file, or of all files in a folder, and in that of an adapter's base model.

    Raises:
        UserError: a file cannot be read. key: that it names.
    """
    memo = cache_folder() / "digests"
    try:
        if path.is_file():
            return file_digest(path, memo)
        digest = folder_digest(path, memo)
    except OSError as error:
        what = f"'{error.filename or path}' cannot be read ({error.strerror})"
        raise user_error(key, what, "make it readable, or wait until it is written") from error
    base = _existing(_base_model(path), Path.is_dir)
    return digest if base is None or base == path else combined({"adapter": digest, "base": read_digest(key, base)})


def _path_arguments(target: str, part: Mapping[str, Any]) -> list[tuple[str, PathTest]]:
    """Return the arguments that may be paths, each with a test of the path.

    They are those that the class names; all arguments of a user's class that names none.
    """
    members = capabilities(target)
    tests: dict[str, PathTest] = {Capability.LOCAL_FILES: Path.is_file, Capability.LOCAL_FOLDERS: Path.is_dir}
    if target.startswith(OURS) or tests.keys() & members.keys():
        return [(name, test) for kind, test in tests.items() for name in members.get(kind) or () if name in part]
    return [(name, Path.exists) for name in part if name not in CODE_KEYS]


def _existing(name: str, test: PathTest) -> Path | None:
    """Return the path that a text names if it passes the test; None too for a folder that all our files are in."""
    try:
        path = expand_home(name, "")
        if not name or not test(path) or not (path.is_file() or path.is_dir()):  # a pipe is neither
            return None
        return None if any(base.is_relative_to(path.resolve()) for base in (Path.cwd(), Path.home())) else path
    except (OSError, ValueError, UserError):  # it can be no path
        return None


def _base_model(folder: Path) -> str:
    """Return what a folder with an adapter of peft names as its base model; nothing for other folders."""
    try:
        return str(json.loads((folder / ADAPTER_CONFIG).read_bytes())["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
