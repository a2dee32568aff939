"""Texts a second of an encoding pass, beside a bare loop over the same texts sorted by length.

    python tests/benchmarks/encoding.py [ROUNDS]

minilm on 2,000 texts of vader_movies, float32, two threads; the loop takes the best of several batch sizes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from timing import pairs, table

from frostline.below import Below
from frostline.compose.command import jobs
from frostline.fit import Fit
from frostline.store.folder import RunFolder

ROUNDS, THREADS, SIZES = 7, 2, (16, 32, 64, 128)
OVERRIDES = ["encoder=minilm", "dataset=vader_movies", "dataset.max_train=2000", "freezing=frozen", "trainer=cpu"]


def measure(rounds: int) -> str:
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        [job] = jobs([*OVERRIDES, "logger=csv", f"cache.dir={folder}/store"])
        described = {"id": job.id, "choices": job.choices, "overrides": job.overrides}
        fit = Fit(job.config, described, RunFolder(Path(folder)), 1)
        fit.classifier.trainer = fit.trainer
        ways: dict[str, Callable[[], object]] = {"Frostline, into the store": lambda: _kept(fit)}
        ways |= {f"bare loop, {size} texts at once": lambda size=size: _bare(fit, size) for size in SIZES}
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds + 1):
            for name, way in ways.items():
                began = time.perf_counter()
                way()
                seconds[name].append(time.perf_counter() - began)
    texts = len(fit.built.tokens["train"])
    rates = {name: [texts / s for s in found[1:]] for name, found in seconds.items()}
    ours, *loops = rates.values()
    best = max(loops, key=lambda found: float(np.median(found)))
    return f"{table(rates, 'texts/s')}\n\n{table({'Frostline / best loop': pairs(ours, best)}, 'ratio')}"


def _kept(fit: Fit) -> None:
    """As a run does it, into a store in which they are not."""
    for entry in fit.below.keep.shelf.all():
        entry.condemn()
    below = Below(fit.classifier, fit.below.keep, fit.below.origin, "minilm")
    assert below.of("train", fit.built.tokens["train"]) is not None


@torch.inference_mode()
def _bare(fit: Fit, size: int) -> torch.Tensor:
    tokens, model = fit.built.tokens["train"], fit.classifier.encoder.model.eval()
    order = np.argsort(tokens.lengths, kind="stable")
    found = torch.empty(len(order), 384)
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        ids, mask = tokens.padded(rows)
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).float()
        found[torch.from_numpy(rows)] = (states * weight).sum(1) / weight.sum(1)
    return found


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
