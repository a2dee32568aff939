"""The cost of a run: seconds, texts and memory."""

from __future__ import annotations

import resource
import sys
from typing import Any

import torch

from frostline.distributed.collectives import all_gather
from frostline.models.model import Model
from frostline.training.callbacks.resume_checkpoint import ResumeCheckpoint


def cost(model: Model, resume: ResumeCheckpoint, ranks: int) -> dict[str, Any]:
    """Return texts and peak memory of all ranks together, and the seconds of all attempts. A collective call."""
    counts = model.texts_read, model.texts_encoded, model.texts_from_store, peak_memory()
    read, encoded, from_store, memory = map(sum, zip(*all_gather(counts, ranks), strict=True))
    return {
        "seconds": resume.total_seconds,
        "seconds_fit": resume.fit_seconds,
        "texts_read": read,
        "texts_encoded": encoded,
        "texts_from_store": from_store,
        "peak_memory_bytes": memory,
    }


def peak_memory() -> int:
    """Return the peak memory of this process so far in bytes: of the GPU if it uses one, else of the process.

    On CUDA it is torch.cuda.max_memory_allocated(), the memory of tensors on the current GPU; on a CPU it is the
    maximum resident set size.
    """
    if torch.cuda.is_available() and (allocated := torch.cuda.max_memory_allocated()) > 0:
        return allocated
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
