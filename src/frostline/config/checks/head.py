"""What a head that reads token states has against the checkpoint in a folder, found before the first job.

A run would find it when it builds its model. A head that fits is recorded, so that it is built once for the content of
a folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from frostline.config.checks.source import capabilities
from frostline.errors import Problem, UserError
from frostline.models.encoders.verified import checkpoint_key, read_verified, write_verified
from frostline.models.interfaces import Capability
from frostline.models.source_runs import with_original_parts
from frostline.types import Config

CLASSES = ("0", "1")  # no family has layers that fit certain classes alone


def head_problems(configs: Sequence[Config]) -> list[Problem]:
    """Build each head on each folder on which it was not built before, and return what is wrong."""
    originals = map(with_original_parts, configs)
    by_key = {_key(config): config for config in originals if _reads_states_of_folder(config)}
    unseen = {key: config for key, config in by_key.items() if key is not None and read_verified(key) is None}
    return list(dict.fromkeys(problem for key, config in unseen.items() for problem in _build(key, config)))


def _reads_states_of_folder(config: Config) -> bool:
    return Capability.FORWARD_STATES in capabilities(config["head"]["_target_"]) and not config["encoder"].get("pin")


def _key(config: Config) -> str | None:
    """Return a key that changes with the content of the folder and with the head; None if there is no folder."""
    checkpoint = checkpoint_key(config["encoder"])
    head = json.dumps([checkpoint, config["head"]], sort_keys=True, default=str)
    return None if checkpoint is None else hashlib.sha256(head.encode()).hexdigest()[:24]


def _build(key: str, config: Config) -> list[Problem]:
    from frostline.instantiate import make

    data = {"classes": len(CLASSES), "names": CLASSES, "multi_label": False, "texts": len(CLASSES)}
    try:
        encoder = make(config["encoder"])
        make(config["head"], width=encoder.width, encoder=encoder, **data)
    except UserError as error:
        return error.problems
    write_verified(key, {})
    return []
