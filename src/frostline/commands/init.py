"""`frostline init`: lay out a new project with a head, a data set, an experiment and a test."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from frostline.config.project.template import package_name, project_files
from frostline.errors import Problem, UserError
from frostline.options import OptionParser, add_paths
from frostline.results.home_paths import expand_home

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
FOLDERS = ("conf", "data", "experiments", "frostline", "runs", "tests")
PARSER = OptionParser(
    "init",
    "Lay out a new project in a new folder: conf/ with an experiment, a head and a data set, a test and a README.\n"
    "`frostline` in that folder reads its conf/, which [tool.frostline] in pyproject.toml names.",
    usage="NAME",
)
add_paths(PARSER, "NAME", "the new folder, whose last part is the name of the project")


def main(argv: list[str]) -> int:
    """Write the project and print what to do next.

    Raises:
        UserError: the folder exists or cannot be written, or its name is no name of a package.
    """
    paths = PARSER.parse_or_raise(argv).paths
    if len(paths) != 1:
        what = "names no project" if not paths else "takes one name"
        raise UserError(Problem("init", what, "give frostline init NAME"), "command")
    folder = expand_home(paths[0], "init")
    if problems := list(_problems(folder)):
        raise UserError(problems, "command")
    _write_project(folder)
    print(
        f"{folder}: a new project; next: cd {folder} && frostline check experiment=first && frostline experiment=first"
    )
    return 0


def _problems(folder: Path) -> Iterator[Problem]:
    name = folder.name
    if not NAME.fullmatch(name):
        yield Problem("init", f"'{name}' is no name of a project", "give letters, digits, - and _, a letter first")
    elif package_name(name) in FOLDERS or _is_module(package_name(name)):
        yield Problem("init", f"'{package_name(name)}' is the name of another Python module", "give another name")
    if folder.exists() or folder.is_symlink():
        yield Problem("init", f"'{folder}' exists", "give a new name")
    elif not folder.absolute().parent.is_dir():
        yield Problem("init", f"'{folder.parent}' is no folder", "make it first")


def _is_module(package: str) -> bool:
    return package in sys.stdlib_module_names or importlib.util.find_spec(package) is not None


def _write_project(folder: Path) -> None:
    """Write all files into a temporary folder beside `folder` and rename it, so that nothing partial remains."""
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.absolute().parent))
        try:
            temporary.chmod(0o755)
            for path, content in project_files(folder.name).items():
                file = temporary / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content, encoding="utf-8")
            temporary.rename(folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    except OSError as error:
        problem = Problem("init", f"'{folder}' cannot be written: {error.strerror}", "give another folder")
        raise UserError(problem, "command") from error
