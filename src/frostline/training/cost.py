"""What a run has cost."""

from __future__ import annotations

import resource
import sys
from typing import Any

from frostline.distributed.collectives import gathered
from frostline.training.callbacks.best_checkpoint import ResumeCheckpoint
from frostline.training.classifier import Classifier


def cost(classifier: Classifier, point: ResumeCheckpoint, ranks: int) -> dict[str, Any]:
    """Texts and memory are those of all ranks together, seconds those of all attempts. A collective call.

    Memory is that of the processes; what lies on a GPU is not in it.
    """
    own = classifier.texts_read, classifier.texts_encoded, classifier.texts_from_store, peak_memory()
    read, encoded, from_store, memory = map(sum, zip(*gathered(own, ranks), strict=True))
    return {
        "seconds": point.spent,
        "seconds_fit": point.spent_fitting,
        "texts_read": read,
        "texts_encoded": encoded,
        "texts_from_store": from_store,
        "peak_memory_bytes": memory,
    }


def peak_memory() -> int:
    """Of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
