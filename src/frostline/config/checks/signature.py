"""What a `_target_` takes, read from its source: nothing is imported, so torch is not either.

Only where the source cannot tell (a name made by a call, a base class in another library) the module is imported.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import typing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from frostline.config.checks.source import UNKNOWN, find_module, parse_annotation, parse_literal, suggest_module
from frostline.errors import did_you_mean, wrong

PLAIN_BASES = {"object", "ABC", "Protocol", "Generic", "Module"}  # without an __init__ of one's own, nothing is taken


@dataclass(frozen=True)
class Argument:
    annotation: Any = UNKNOWN
    default: Any = inspect.Parameter.empty

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True)
class Signature:
    """The arguments of a function, or of making an object of a class. open: any other argument is taken too."""

    name: str
    parameters: dict[str, Argument]
    open: bool = False


class CannotTellError(Exception):
    """The source alone does not show the signature."""


@cache
def read(target: str, key: str) -> Signature:
    """The signature of a dotted name; looked up once in a command.

    Raises:
        UserError: there is no such module or name; `key` is the config key it was read from.
    """
    module, _, name = target.rpartition(".")
    file = find_module(module) if module else None
    if file is None:
        what = f"there is no module '{module}'" if module else f"{target!r} is not a dotted name"
        raise wrong(key, what, suggest_module(module))
    try:
        return _from_source(file, module, name, key)
    except CannotTellError:
        return _from_import(module, name, key)


def _from_source(file: Path, module: str, name: str, key: str) -> Signature:
    if file.suffix != ".py":
        raise CannotTellError
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise wrong(key, f"'{file}' is no Python ({error})", "correct the file") from error
    found = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    if name in found:
        return _signature(name, found[name], found)
    if origin := _reexported(tree, file, module, name):
        return read(origin, key)
    if name in _bound(tree) or any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in ast.walk(tree)):
        raise CannotTellError
    public = [n for n in found if not n.startswith("_")]
    raise wrong(key, f"'{module}' has no '{name}'", did_you_mean(name, public, f"name what '{file.name}' defines"))


def _reexported(tree: ast.Module, file: Path, module: str, name: str) -> str | None:
    """Where ``from ... import name`` has the name from."""
    for node in tree.body:
        for alias in node.names if isinstance(node, ast.ImportFrom) else []:
            if (alias.asname or alias.name) == name and isinstance(node, ast.ImportFrom):
                up = node.level - (file.name == "__init__.py")
                package = module.split(".")[: len(module.split(".")) - up] if node.level else []
                return ".".join([*package, *filter(None, [node.module]), alias.name])
    return None


def _bound(tree: ast.Module) -> set[str]:
    """Names that a module has otherwise than by def or class."""
    stores = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    return stores | {alias.asname or alias.name for n in imports for alias in n.names}


def _signature(name: str, node: ast.FunctionDef | ast.ClassDef, module: dict[str, Any]) -> Signature:
    if isinstance(node, ast.FunctionDef):
        return _function(name, node, skip=0)
    if any(_last(d.func if isinstance(d, ast.Call) else d) == "dataclass" for d in node.decorator_list):
        return Signature(name, _fields(node, module))
    own = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name in ("__init__", "__new__")]
    if own:
        return _function(name, own[0], skip=1)
    for base in node.bases:
        if (known := module.get(_last(base))) is not None and known is not node:
            return Signature(name, *_rest(_signature(_last(base), known, module)))
    if all(_last(base) in PLAIN_BASES for base in node.bases):
        return Signature(name, {})
    raise CannotTellError


def _rest(signature: Signature) -> tuple[dict[str, Argument], bool]:
    return signature.parameters, signature.open


def _function(name: str, node: ast.FunctionDef, skip: int) -> Signature:
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
    pairs = list(zip(positional, defaults, strict=True))[skip:] + list(
        zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    )
    return Signature(name, {a.arg: _parameter(a.annotation, d) for a, d in pairs}, node.args.kwarg is not None)


def _fields(node: ast.ClassDef, module: dict[str, Any]) -> dict[str, Argument]:
    fields: dict[str, Argument] = {}
    for base in node.bases:
        if isinstance(known := module.get(_last(base)), ast.ClassDef) and known is not node:
            fields |= _fields(known, module)
    own = [n for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
    own = [n for n in own if "ClassVar" not in ast.unparse(n.annotation) and "init=False" not in ast.unparse(n)]
    return fields | {typing.cast(ast.Name, n.target).id: _parameter(n.annotation, n.value) for n in own}


def _parameter(kind: ast.expr | None, default: ast.expr | None) -> Argument:
    return Argument(parse_annotation(kind), inspect.Parameter.empty if default is None else parse_literal(default))


def _last(node: ast.expr) -> str:
    """The last word of a name: Module for torch.nn.Module and for Module[int]."""
    if isinstance(node, ast.Subscript):
        return _last(node.value)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _from_import(module: str, name: str, key: str) -> Signature:
    try:
        target = getattr(importlib.import_module(module), name, None)
    except Exception as error:
        raise wrong(key, f"'{module}' cannot be imported ({type(error).__name__}: {error})", "correct it") from error
    if not callable(target):
        raise wrong(key, f"'{module}' has no '{name}' that can be called", "name a class or a function")
    try:
        given = inspect.signature(target, eval_str=False).parameters
    except (TypeError, ValueError):
        return Signature(name, {}, open=True)
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    known = {n: Argument(_resolved(p.annotation), p.default) for n, p in given.items() if p.kind not in kinds}
    return Signature(name, known, any(p.kind == kinds[1] for p in given.values()))


def _resolved(kind: Any) -> Any:
    if isinstance(kind, str):
        return parse_annotation(ast.Constant(kind))
    return UNKNOWN if kind is inspect.Parameter.empty else kind
