"""Keys of cache entries: digests of all content that the states depend on, without names and paths."""

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
from frostline.models.source_runs import original_part
from frostline.results.identity import INPUTS, without_modules
from frostline.types import Config

LIBRARIES = ("torch", "transformers", "peft")


def cache_content(encoder: Any, config: Config) -> dict[str, Any] | None:
    """Return what states depend on besides weights and texts; None if the encoder has no method `content`."""
    content_of_encoder = getattr(encoder, "content", None)
    parts = {role: without_modules(config[role]) for role in ("adapter", "pooler")}
    if code := {key: value for key, value in config.get(INPUTS, {}).items() if _is_of_user_part(key, config)}:
        parts[INPUTS] = code
    return None if content_of_encoder is None else content_of_encoder() | parts


def _is_of_user_part(key: str, config: Config) -> bool:
    """Return whether an input is of a user's encoder, adapter or pooler; what ours read is in weights and content."""
    role = key.partition(".")[0]
    if role not in ("encoder", "adapter", "pooler"):
        return False
    return not original_part(config, role)["_target_"].startswith("frostline.")


class CacheKeys:
    """Computes the keys of the states of one model.

    parameters: by their names in the plan. read_content: returns what states depend on besides weights and texts, or
    None if this cannot be determined.
    """

    def __init__(
        self, parameters: Mapping[str, Tensor], runtime: Runtime, read_content: Callable[[], Mapping[str, Any] | None]
    ) -> None:
        self.parameters, self.runtime, self._read_content = parameters, runtime, read_content
        self._digests: dict[str, tuple[list[int], str]] = {}

    @property
    def is_known(self) -> bool:
        """Return whether keys can be computed."""
        return self._content is not None

    @cached_property
    def _content(self) -> Mapping[str, Any] | None:
        """Read the content at first use, after all texts are tokenized, which can change the state of the encoder."""
        return self._read_content()

    def key(self, point: CachePoint, below: Sequence[Block], tokens: Tokens, dtype: str) -> str:
        """Return the key of the states at a cache point, for the present weights of the blocks below it."""
        content = dict(self._content or {})
        if point.by_token:
            content.pop("pooler", None)
        content |= {"precision": self.runtime.precision, "device": self.runtime.device.type, "dtype": dtype}
        content |= {name: metadata.version(name) for name in LIBRARIES}
        texts = hashlib.sha256(tokens.ids.numpy().data)
        texts.update(tokens.starts.numpy().data)
        digests = [self._block_digest(block) for block in below]
        everything = [VERSION, point, digests, texts.hexdigest(), tokens.source, content]
        return hashlib.sha256(json.dumps(everything, sort_keys=True, default=str).encode()).hexdigest()[:32]

    def _block_digest(self, block: Block) -> str:
        """Return the digest of the weights of a block, computed again after any in-place change."""
        weights = {p.name: self.parameters[p.name] for p in block.parameters}
        versions = [parameter._version for parameter in weights.values()]
        if self._digests.get(block.name, (None, ""))[0] != versions:
            self._digests[block.name] = (versions, weights_digest(weights))
        return self._digests[block.name][1]
