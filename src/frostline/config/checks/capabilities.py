"""What a part offers beside its plain role, read from its source as `signature` reads what it takes."""

from __future__ import annotations

import ast
from typing import Any

from frostline.config.checks.annotations import UNKNOWN, literal
from frostline.config.checks.modules import find


def offers(target: str) -> dict[str, Any]:
    """Public methods and class constants of the class by name: a constant's value, None for all else.

    Empty where the source does not show the class, and for a function.
    """
    module, _, name = target.rpartition(".")
    file = find(module)
    if file is None or file.suffix != ".py":
        return {}
    body = ast.parse(file.read_bytes()).body
    return _of(name, {node.name: node for node in body if isinstance(node, ast.ClassDef)})


def _of(name: str, classes: dict[str, ast.ClassDef]) -> dict[str, Any]:
    if name not in classes:
        return {}
    found: dict[str, Any] = {}
    for base in classes[name].bases:
        found |= _of(getattr(base, "id", ""), classes)
    for node in classes[name].body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = None
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets, value = node.targets if isinstance(node, ast.Assign) else [node.target], literal(node.value)
            found |= {t.id: value for t in targets if isinstance(t, ast.Name) and value is not UNKNOWN}
    return {key: value for key, value in found.items() if not key.startswith("_")}
