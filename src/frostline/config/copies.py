"""Copies of a config by pickling, in a fifth of the time that a deepcopy takes."""

from __future__ import annotations

import io
import pickle
from typing import Any

from omegaconf import DictConfig

_classes: dict[int, type] = {}


class _Pickler(pickle.Pickler):
    """Writes a class as its place in `_classes`, for its name may stand for another: Hydra runs its plugins' modules
    again in a launcher's worker, which makes their classes anew."""

    def reducer_override(self, obj: object) -> Any:
        if not isinstance(obj, type):
            return NotImplemented
        _classes[id(obj)] = obj
        return _class, (id(obj),)


def _class(place: int) -> type:
    return _classes[place]


class Copies:
    """Of a config as it is now; for this process alone."""

    def __init__(self, cfg: DictConfig) -> None:
        with io.BytesIO() as written:
            _Pickler(written, pickle.HIGHEST_PROTOCOL).dump(cfg)
            self.written = written.getvalue()

    def another(self) -> DictConfig:
        copied: DictConfig = pickle.loads(self.written)
        return copied
