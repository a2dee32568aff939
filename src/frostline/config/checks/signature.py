"""The arguments that a `_target_` takes, read from its source so that nothing is imported.

Only where the source does not show them (a name bound by a call, a base class of another library), the module is
imported.
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

from frostline.config.checks.source import (
    UNKNOWN,
    capabilities,
    find_module,
    parse_annotation,
    parse_literal,
    suggest_module,
)
from frostline.errors import did_you_mean, user_error

PLAIN_BASES = {"object", "ABC", "Protocol", "Generic", "Module"}  # a class without __init__ takes no arguments


@dataclass(frozen=True)
class Argument:
    """One argument: its type and its default."""

    annotation: Any = UNKNOWN
    default: Any = inspect.Parameter.empty

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True)
class Signature:
    """The arguments of a function or of a class's constructor. open: whether it accepts any other argument too."""

    name: str
    parameters: dict[str, Argument]
    open: bool = False


class UnknownSignatureError(Exception):
    """The source alone does not show the signature."""


def forget_sources() -> None:
    """Forget all that was read: a new command begins, before which files may have changed."""
    read_signature.cache_clear()
    capabilities.cache_clear()


@cache
def read_signature(target: str, key: str) -> Signature:
    """Return the signature of a dotted name.

    Args:
        key: the config key that names the target, for the message of an error.

    Raises:
        UserError: there is no such module or name.
    """
    module, _, name = target.rpartition(".")
    file = find_module(module) if module else None
    if file is None:
        what = f"there is no module '{module}'" if module else f"{target!r} is not a dotted name"
        raise user_error(key, what, suggest_module(module))
    try:
        return _from_source(file, module, name, key)
    except UnknownSignatureError:
        return _from_import(module, name, key)


def _from_source(file: Path, module: str, name: str, key: str) -> Signature:
    if file.suffix != ".py":
        raise UnknownSignatureError
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise user_error(key, f"'{file}' is not valid Python ({error})", "correct the file") from error
    definitions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    if name in definitions:
        return _signature(name, definitions[name], definitions)
    if origin := _import_origin(tree, file, module, name):
        return read_signature(origin, key)
    star = any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in ast.walk(tree))
    if star or name in _bound_names(tree):
        raise UnknownSignatureError
    public = [definition for definition in definitions if not definition.startswith("_")]
    raise user_error(key, f"'{module}' has no '{name}'", did_you_mean(name, public, f"name what '{file.name}' defines"))


def _import_origin(tree: ast.Module, file: Path, module: str, name: str) -> str | None:
    """Return the dotted name that ``from ... import name`` imports."""
    for node in tree.body:
        for alias in node.names if isinstance(node, ast.ImportFrom) else []:
            if (alias.asname or alias.name) == name and isinstance(node, ast.ImportFrom):
                up = node.level - (file.name == "__init__.py")
                package = module.split(".")[: len(module.split(".")) - up] if node.level else []
                return ".".join([*package, *filter(None, [node.module]), alias.name])
    return None


def _bound_names(tree: ast.Module) -> set[str]:
    """Return the names that a module assigns or imports."""
    stores = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    return stores | {alias.asname or alias.name for n in imports for alias in n.names}


def _signature(name: str, node: ast.FunctionDef | ast.ClassDef, module: dict[str, Any]) -> Signature:
    if isinstance(node, ast.FunctionDef):
        return _function_signature(name, node, skip=0)
    if any(_last_name(d.func if isinstance(d, ast.Call) else d) == "dataclass" for d in node.decorator_list):
        return Signature(name, _dataclass_fields(node, module))
    constructors = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name in ("__init__", "__new__")]
    if constructors:
        return _function_signature(name, constructors[0], skip=1)
    for base in node.bases:
        if (definition := module.get(_last_name(base))) is not None and definition is not node:
            inherited = _signature(_last_name(base), definition, module)
            return Signature(name, inherited.parameters, inherited.open)
    if all(_last_name(base) in PLAIN_BASES for base in node.bases):
        return Signature(name, {})
    raise UnknownSignatureError


def _function_signature(name: str, node: ast.FunctionDef, skip: int) -> Signature:
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
    pairs = list(zip(positional, defaults, strict=True))[skip:]
    pairs += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return Signature(name, {a.arg: _argument(a.annotation, d) for a, d in pairs}, node.args.kwarg is not None)


def _dataclass_fields(node: ast.ClassDef, module: dict[str, Any]) -> dict[str, Argument]:
    fields: dict[str, Argument] = {}
    for base in node.bases:
        definition = module.get(_last_name(base))
        if isinstance(definition, ast.ClassDef) and definition is not node:
            fields |= _dataclass_fields(definition, module)
    annotated = [n for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
    annotated = [n for n in annotated if "ClassVar" not in ast.unparse(n.annotation)]
    annotated = [n for n in annotated if "init=False" not in ast.unparse(n)]
    return fields | {typing.cast(ast.Name, n.target).id: _argument(n.annotation, n.value) for n in annotated}


def _argument(kind: ast.expr | None, default: ast.expr | None) -> Argument:
    return Argument(parse_annotation(kind), inspect.Parameter.empty if default is None else parse_literal(default))


def _last_name(node: ast.expr) -> str:
    """Return the last part of a dotted name: Module for torch.nn.Module and for Module[int]."""
    if isinstance(node, ast.Subscript):
        return _last_name(node.value)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _from_import(module: str, name: str, key: str) -> Signature:
    try:
        target = getattr(importlib.import_module(module), name, None)
    except Exception as error:
        raise user_error(
            key, f"'{module}' cannot be imported ({type(error).__name__}: {error})", "correct it"
        ) from error
    if not callable(target):
        raise user_error(key, f"'{module}' has no '{name}' that can be called", "name a class or a function")
    try:
        parameters = inspect.signature(target, eval_str=False).parameters
    except (TypeError, ValueError):
        return Signature(name, {}, open=True)
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    arguments = {n: Argument(_annotation(p), p.default) for n, p in parameters.items() if p.kind not in kinds}
    return Signature(name, arguments, any(p.kind == kinds[1] for p in parameters.values()))


def _annotation(parameter: inspect.Parameter) -> Any:
    if isinstance(parameter.annotation, str):
        return parse_annotation(ast.Constant(parameter.annotation))
    return UNKNOWN if parameter.annotation is inspect.Parameter.empty else parameter.annotation
