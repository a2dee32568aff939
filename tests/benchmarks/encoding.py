"""Texts a second of an encoding pass, beside a bare loop over the same texts sorted by length.

    python tests/benchmarks/encoding.py [ROUNDS]

minilm on 1,000 texts of vader_movies, float32, two threads. The two take turns; the loop has the best of several
batch sizes.
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

from frostline.cache.frozen_states import FrozenStates
from frostline.config.jobs import jobs_of_command
from frostline.results.folder import RunFolder
from frostline.training.trainer import attach
from prepared_run import PreparedRun, described, prepare

ROUNDS, THREADS, SIZES = 9, 2, (16, 32, 64, 128)
OVERRIDES = ["encoder=minilm", "dataset=vader_movies", "dataset.max_train=1000", "freezing=frozen", "trainer=cpu"]


def measure(rounds: int) -> str:
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        [job] = jobs_of_command([*OVERRIDES, "logger=csv", f"cache.dir={folder}/store"])
        fit = prepare(job.config, described(job), RunFolder(Path(folder)))
        attach(fit.classifier, fit.trainer, fit.data)
        size = min(SIZES, key=lambda size: _seconds(lambda: _bare(fit, size)))
        ours, loop = list[float](), list[float]()
        for number in range(rounds + 1):  # the first warms up
            for way, seconds in ((lambda: _kept(fit), ours), (lambda: _bare(fit, size), loop))[
                :: -1 if number % 2 else 1
            ]:
                seconds.append(_seconds(way))
    texts = len(fit.built.tokens["train"])
    rates = [[texts / s for s in found[1:]] for found in (ours, loop)]
    rows = dict(zip(("Frostline, into the store", f"bare loop, {size} texts at once"), rates, strict=True))
    return f"{table(rows, 'texts/s')}\n\n{table({'Frostline / loop': pairs(*rates)}, 'ratio')}"


def _seconds(way: Callable[[], object]) -> float:
    began = time.perf_counter()
    way()
    return time.perf_counter() - began


def _kept(fit: PreparedRun) -> None:
    """As a run does it, into a store in which they are not."""
    states = fit.data.frozen_states
    for entry in states.shared_cache.state_cache.all_entries():
        entry.invalidate()
    below = FrozenStates(fit.built.model, states.current, states.shared_cache, states.keys, states.runtime, "minilm")
    assert below.for_split("train", fit.built.tokens["train"]) is not None


@torch.inference_mode()
def _bare(fit: PreparedRun, size: int) -> torch.Tensor:
    tokens, model = fit.built.tokens["train"], fit.classifier.model.encoder.model.eval()
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
