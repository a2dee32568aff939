"""The Python modules of a user that a part is defined in, found by reading their import statements."""

from __future__ import annotations

import ast
import site
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

from frostline.config.checks.source import find_module

INSTALLED = {"site-packages", "dist-packages"}  # folders of packages, also of an environment below this one
OURS = ("frostline", "hydra_plugins")
Import = tuple[int, str, tuple[str, ...]]  # the level of a relative import, the module, and the names taken from it


def user_modules(target: str) -> dict[str, Path]:
    """Return name -> file of the module of a dotted name and of all modules that it imports, directly or not.

    Packages that are installed are left out, and what is imported by a name that the source does not show.
    """
    modules: dict[str, Path] = {}
    waiting, seen = [target.rpartition(".")[0]], {""}
    while waiting:
        for name in _with_packages(waiting.pop()):
            if name in seen:
                continue
            seen.add(name)
            file = _user_file(name)
            if file is None:
                break  # nor are the modules in a package of another
            if file.name:  # none for a package without __init__.py
                modules[name] = file
                waiting += _imported(name, file)
    return modules


def _with_packages(name: str) -> Iterator[str]:
    """Yield a, a.b and a.b.c for a.b.c: the packages are imported first."""
    parts = name.split(".")
    yield from (".".join(parts[: i + 1]) for i in range(len(parts)))


def _user_file(name: str) -> Path | None:
    """Return the file of a user's module, an empty path for a package without one, None for other modules."""
    first = name.partition(".")[0]
    if first in OURS or first in sys.stdlib_module_names:
        return None
    file = find_module(name)
    if file is None or not file.name:
        return file
    path = file.resolve()
    is_installed = INSTALLED & set(path.parts) or any(path.is_relative_to(folder) for folder in _installed())
    return None if is_installed else file


@cache
def _installed() -> tuple[Path, ...]:
    """Return the folders of installed packages, whose versions are in the record of a run."""
    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return tuple({Path(folder).resolve() for folder in [*folders, *site.getsitepackages(), site.getusersitepackages()]})


def _imported(name: str, file: Path) -> Iterator[str]:
    """Yield the modules that a module may import; a name that is taken from a module may be a module too."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for level, module, names in _import_statements(file.read_bytes()) if file.suffix == ".py" else ():
        start = package.split(".")[: len(package.split(".")) - level + 1] if level else []
        base = ".".join([*start, *([module] if module else [])])
        yield base
        yield from (f"{base}.{taken}" for taken in names)


@lru_cache(maxsize=512)
def _import_statements(source: bytes) -> tuple[Import, ...]:
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):  # which its import will raise
        return ()
    modules = [(0, alias.name, ()) for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    parts = [
        (node.level, node.module or "", tuple(alias.name for alias in node.names))
        for node in nodes
        if isinstance(node, ast.ImportFrom)
    ]
    return (*modules, *parts)
