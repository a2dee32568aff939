"""Whether all ranks hold the same weights, to the bit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
import torch.distributed as dist
from torch import Tensor

from frostline.errors import FrostlineError


def digest(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 over names and bytes, in order of names."""
    found = hashlib.sha256()
    for name, value in sorted(weights.items()):
        found.update(name.encode())
        found.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def agreed(own: str, when: str, ranks: int) -> str:
    """The digest that all ranks have. A collective call where there are several.

    Raises:
        FrostlineError: ranks differ; to go on would train as many models as there are ranks.
    """
    if ranks > 1:
        all_digests = [""] * ranks
        dist.all_gather_object(all_digests, own)
        if len(set(all_digests)) > 1:
            short = ", ".join(f"rank {rank} {value[:8]}" for rank, value in enumerate(all_digests))
            raise FrostlineError(f"ranks: their weights differ {when} ({short}); what learns was not synchronised")
    return own
