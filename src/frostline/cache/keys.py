"""What kept states follow from, by content: names and places have no part in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib import metadata
from typing import Any

from torch import Tensor

from frostline.cache.encode import Runtime
from frostline.cache.store import VERSION
from frostline.data.tokens import Tokens
from frostline.freezing.frost_line import CachePoint
from frostline.freezing.plan import Block
from frostline.models.fingerprint import weights_digest
from frostline.results.identity import without_modules
from frostline.types import Config

LIBRARIES = ("torch", "transformers", "peft")


def cache_content(encoder: Any, config: Config) -> dict[str, Any] | None:
    """Return what states depend on besides weights and texts; None if the encoder does not report its own part."""
    described = getattr(encoder, "content", None)
    parts = {role: without_modules(config[role]) for role in ("adapter", "pooler")}
    return None if described is None else described() | parts


class CacheKeys:
    """Keys of what one model gives.

    parameters: by plan name. told: of config and encoder, all that counts beside weights and texts, or None.
    """

    def __init__(
        self, parameters: Mapping[str, Tensor], runtime: Runtime, told: Callable[[], Mapping[str, Any] | None]
    ) -> None:
        self.parameters, self.runtime, self._told = parameters, runtime, told
        self._digests: dict[str, tuple[list[int], str]] = {}

    @property
    def known(self) -> bool:
        return self._about is not None

    @cached_property
    def _about(self) -> Mapping[str, Any] | None:
        """Asked for when all texts have been tokenised, which may tell an encoder more."""
        return self._told()

    def key(self, line: CachePoint, below: Sequence[Block], tokens: Tokens, dtype: str) -> str:
        """Of the states at a line, with the weights that stand below it now."""
        about = dict(self._about or {})
        if line.by_token:
            about.pop("pooler", None)
        about |= {"precision": self.runtime.precision, "device": self.runtime.device.type, "dtype": dtype}
        about |= {name: metadata.version(name) for name in LIBRARIES}
        texts = hashlib.sha256(tokens.ids.numpy().data)
        texts.update(tokens.starts.numpy().data)
        found = [VERSION, line, [self._digest(block) for block in below], texts.hexdigest(), tokens.source, about]
        return hashlib.sha256(json.dumps(found, sort_keys=True, default=str).encode()).hexdigest()[:32]

    def _digest(self, block: Block) -> str:
        """Of a block's weights; made again when torch has counted a change of any of them."""
        own = {p.name: self.parameters[p.name] for p in block.parameters}
        versions = [parameter._version for parameter in own.values()]
        if self._digests.get(block.name, (None, ""))[0] != versions:
            self._digests[block.name] = (versions, weights_digest(own))
        return self._digests[block.name][1]
