"""Where a module's file is, without importing the module or the packages that it lies in."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path

from frostline.errors import did_you_mean


def find(module: str) -> Path | None:
    """The file of a module, by the import system's own search but without importing its packages."""
    first, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(first)
    except (ValueError, ImportError):
        return None
    for i, part in enumerate(rest):
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = ".".join([first, *rest[:i], part])
        spec = importlib.machinery.PathFinder.find_spec(name, list(spec.submodule_search_locations))
    if spec is None:
        return None
    return Path(spec.origin) if spec.origin and Path(spec.origin).is_file() else Path()


def hint(module: str) -> str:
    """What to do about a module that is not there."""
    parent = find(module.rpartition(".")[0]) if "." in module else None
    folder = parent.parent if parent is not None and parent.name == "__init__.py" else None
    names = [file.stem for file in folder.glob("[!_]*.py")] if folder else []
    prefix = module.rpartition(".")[0]
    otherwise = "write module.Name; modules are looked for here and beside --config-dir"
    return did_you_mean(module, [f"{prefix}.{n}" for n in names], otherwise) if names else otherwise
