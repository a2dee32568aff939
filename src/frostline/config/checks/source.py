"""Read the source code of a part without importing it, so that no check imports torch."""

from __future__ import annotations

import ast
import builtins
import collections.abc
import importlib.machinery
import importlib.util
import pathlib
import typing
from functools import cache
from pathlib import Path
from typing import Any

import frostline.types
from frostline.errors import did_you_mean

UNKNOWN: Any = object()  # an annotation or a default value that only running the code would show
NAMES = vars(builtins) | vars(typing) | vars(collections.abc) | vars(frostline.types) | {"Path": pathlib.Path}


def find_module(module: str) -> Path | None:
    """Return the file of a module without importing its packages; None if there is no such module.

    An extension module or a namespace package, which has no source file, gives an empty path.
    """
    first, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(first)
    except (ValueError, ImportError):
        return None
    for i, part in enumerate(rest):
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = ".".join([first, *rest[:i], part])
        try:
            spec = importlib.machinery.PathFinder.find_spec(name, list(spec.submodule_search_locations))
        except KeyError:  # a namespace package in a package that is not imported
            return Path()
    if spec is None:
        return None
    return Path(spec.origin) if spec.origin and Path(spec.origin).is_file() else Path()


def suggest_module(module: str) -> str:
    """Return what to do about a module that does not exist."""
    prefix = module.rpartition(".")[0]
    package = find_module(prefix) if prefix else None
    folder = package.parent if package is not None and package.name == "__init__.py" else None
    names = [file.stem for file in folder.glob("[!_]*.py")] if folder else []
    otherwise = "write module.Name; modules are searched for in this folder and in the parent of --config-dir"
    return did_you_mean(module, [f"{prefix}.{name}" for name in names], otherwise) if names else otherwise


@cache
def capabilities(target: str) -> dict[str, Any]:
    """Return the public methods and class attributes of the class `target`: the value of a constant, else None.

    The dict is empty for a function and for a class whose source does not show it. `Capability` in
    frostline.models.interfaces lists the names that are looked for in it.
    """
    module, _, name = target.rpartition(".")
    file = find_module(module)
    if file is None or file.suffix != ".py":
        return {}
    body = ast.parse(file.read_bytes()).body
    return _class_members(name, {node.name: node for node in body if isinstance(node, ast.ClassDef)})


def _class_members(name: str, classes: dict[str, ast.ClassDef]) -> dict[str, Any]:
    if name not in classes:
        return {}
    members: dict[str, Any] = {}
    for base in classes[name].bases:
        members |= _class_members(getattr(base, "id", ""), classes)
    for node in classes[name].body:
        if isinstance(node, ast.FunctionDef):
            members[node.name] = None
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets, value = node.targets if isinstance(node, ast.Assign) else [node.target], parse_literal(node.value)
            members |= {t.id: value for t in targets if isinstance(t, ast.Name) and value is not UNKNOWN}
    return {key: value for key, value in members.items() if not key.startswith("_")}


def parse_annotation(node: ast.expr | None) -> Any:
    """Return the type that an annotation means; UNKNOWN for names that neither Python nor frostline defines."""
    if node is None:
        return UNKNOWN
    try:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node = ast.parse(node.value, mode="eval").body
        return _type(node)
    except Exception:
        return UNKNOWN


def _type(node: ast.expr) -> Any:
    match node:
        case ast.Name():
            return NAMES[node.id]
        case ast.Constant():
            return node.value
        case ast.Attribute():
            return getattr(_type(node.value), node.attr)
        case ast.Subscript():
            return _type(node.value)[_type(node.slice)]
        case ast.BinOp(op=ast.BitOr()):
            return _type(node.left) | _type(node.right)
        case ast.UnaryOp(op=ast.USub()):
            return -_type(node.operand)
        case ast.Tuple():
            return tuple(map(_type, node.elts))
        case ast.List():
            return list(map(_type, node.elts))
        case ast.Call(func=ast.Name(id="Range")):
            return frostline.types.Range(*map(_type, node.args), **{str(k.arg): _type(k.value) for k in node.keywords})
    raise ValueError(f"no type: {ast.unparse(node)}")


def parse_literal(node: ast.expr) -> Any:
    """Return the value of a literal; UNKNOWN for any other expression."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return UNKNOWN
