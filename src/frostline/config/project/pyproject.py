"""The config folder of a project, as its pyproject.toml says.

[tool.frostline]
config-dir = "conf"

Only the pyproject.toml of the working folder is read, never one of a parent folder: yaml files name the Python classes
of a run, so that its config folder is code.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from frostline.errors import Problem, UserError, did_you_mean

FILE, TABLE, KEY = "pyproject.toml", "tool.frostline", "config-dir"


def project_config_dir() -> str | None:
    """Return the config folder that the project in the working folder names, relative to it; None if it names none.

    Raises:
        UserError: the table has another key, or its folder does not exist within the working folder.
    """
    file = Path.cwd() / FILE
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if TABLE not in text:  # a file for other tools, which may have mistakes of its own
        return None
    return _config_dir(_frostline_table(text))


def _frostline_table(text: str) -> Any:
    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise _project_error(TABLE, f"cannot be read: {error}", "correct the file") from error
    return tool.get("frostline", {}) if isinstance(tool, dict) else {}


def _config_dir(table: Any) -> str | None:
    if not isinstance(table, dict):
        raise _project_error(TABLE, "is no table", f'write [{TABLE}] and below it {KEY} = "conf"')
    if unknown := [key for key in table if key != KEY]:
        raise _project_error(f"{TABLE}.{unknown[0]}", "no such key", did_you_mean(unknown[0], [KEY]))
    folder = table.get(KEY)
    if folder is None:
        return None
    is_inside = isinstance(folder, str) and (Path.cwd() / folder).resolve().is_relative_to(Path.cwd().resolve())
    if not is_inside or not (Path.cwd() / str(folder)).is_dir():
        what = f"{folder!r} is not a folder below {Path.cwd()}"
        raise _project_error(f"{TABLE}.{KEY}", what, 'name one, such as "conf", or give --config-dir')
    return str(folder)


def _project_error(key: str, what: str, do: str) -> UserError:
    return UserError(Problem(f"{FILE}: {key}", what, do), "project")
