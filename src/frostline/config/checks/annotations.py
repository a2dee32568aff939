"""Types and values that stand in source code, without running it."""

from __future__ import annotations

import ast
import builtins
import collections.abc
import pathlib
import typing
from typing import Any

import frostline.types

UNKNOWN: Any = object()  # an annotation or a default that cannot be known without running code
NAMES = vars(builtins) | vars(typing) | vars(collections.abc) | vars(frostline.types) | {"Path": pathlib.Path}


def annotation(node: ast.expr | None) -> Any:
    if node is None:
        return UNKNOWN
    text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ast.unparse(node)
    try:
        return eval(text, dict(NAMES))  # types only; a name of the user's own is simply not known here
    except Exception:
        return UNKNOWN


def literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return UNKNOWN
