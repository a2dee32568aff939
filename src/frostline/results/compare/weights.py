"""The comparison of the weights of two runs, without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import deserialize

from frostline.results.compare.aspects import DIFFERS, EQUAL, NEAR, Aspect

FLOATS = {"F64": np.float64, "F32": np.float32, "F16": np.float16}


def compare_weights(first: Path, second: Path, tolerance: float) -> Aspect:
    """Compare two safetensors files. They are near where no weight differs by more than the tolerance."""
    a, b = (_tensors(path) for path in (first, second))
    kinds = [{name: (entry["dtype"], *entry["shape"]) for name, entry in file.items()} for file in (a, b)]
    if kinds[0] != kinds[1]:
        names = sorted({name for name, _ in kinds[0].items() ^ kinds[1].items()})
        return Aspect("weights", DIFFERS, tuple(f"{name}: not in both" for name in names))
    unequal = [name for name in a if a[name]["data"] != b[name]["data"]]
    if not unequal:
        return Aspect("weights", EQUAL)
    distances = {name: float(np.abs(_as_floats(a[name]) - _as_floats(b[name])).max()) for name in unequal}
    largest_first = sorted(unequal, key=lambda name: -distances[name])
    lines = tuple(f"{name}: up to {distances[name]:.2g} apart" for name in largest_first)
    return Aspect("weights", NEAR if max(distances.values()) <= tolerance else DIFFERS, lines)


def _tensors(path: Path) -> dict[str, dict[str, Any]]:
    return dict(deserialize(path.read_bytes()))  # type: ignore[no-untyped-call]  # safetensors does not annotate it


def _as_floats(entry: dict[str, Any]) -> NDArray[np.float64]:
    """Return the values of a tensor. numpy has no bfloat16, which is the upper half of a float32."""
    if entry["dtype"] == "BF16":
        return (np.frombuffer(entry["data"], np.uint16).astype(np.uint32) << 16).view(np.float32).astype(float)
    return np.frombuffer(entry["data"], FLOATS.get(entry["dtype"], np.uint8)).astype(float)
