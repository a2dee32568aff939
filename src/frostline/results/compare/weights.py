"""Two files of weights, read without torch: numpy has no bfloat16, and nothing else here needs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frostline.results.compare.aspects import DIFFERS, EQUAL, NEAR, Aspect

FLOATS = {"F64": np.float64, "F32": np.float32, "F16": np.float16}


def compare_weights(first: Path, second: Path, tolerance: float) -> Aspect:
    """Of safetensors files; near where no weight is farther away than the tolerance."""
    a, b = _Stored(first), _Stored(second)
    if a.shapes != b.shapes:
        names = sorted({name for name, _ in a.shapes.items() ^ b.shapes.items()})
        return Aspect("weights", DIFFERS, tuple(f"{name}: not in both" for name in names))
    if unequal := [name for name in a.shapes if a.bytes(name) != b.bytes(name)]:
        far = {name: float(np.abs(a.numbers(name) - b.numbers(name)).max()) for name in unequal}
        ordered = sorted(far, key=lambda name: -far[name])
        lines = tuple(f"{name}: up to {far[name]:.2g} apart" for name in ordered)
        return Aspect("weights", NEAR if max(far.values()) <= tolerance else DIFFERS, lines)
    return Aspect("weights", EQUAL)


class _Stored:
    """A safetensors file: the length of its header (8 bytes), the header as JSON, the numbers."""

    def __init__(self, path: Path) -> None:
        self.file = np.memmap(path, dtype=np.uint8, mode="r")
        self.start = 8 + int.from_bytes(self.file[:8].tobytes(), "little")
        header: dict[str, Any] = json.loads(self.file[8 : self.start].tobytes())
        self.header = {name: told for name, told in header.items() if name != "__metadata__"}
        self.shapes = {name: (told["dtype"], *told["shape"]) for name, told in self.header.items()}

    def bytes(self, name: str) -> bytes:
        first, end = self.header[name]["data_offsets"]
        return self.file[self.start + first : self.start + end].tobytes()

    def numbers(self, name: str) -> NDArray[np.float64]:
        kind = self.header[name]["dtype"]
        if kind == "BF16":  # the upper half of a float32
            return (np.frombuffer(self.bytes(name), np.uint16).astype(np.uint32) << 16).view(np.float32).astype(float)
        return np.frombuffer(self.bytes(name), FLOATS.get(kind, np.uint8)).astype(float)
