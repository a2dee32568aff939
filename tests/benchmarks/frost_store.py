"""What the store costs in memory, on disk, and to open.

    python tests/benchmarks/frost_store.py

Memory: the most that a run of bert_tiny with one of two layers learning holds, of 9,000 and of 93,000 texts of wordnet.
Opening: an entry of 5 GB, of texts of 100 tokens and width 384.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from frostline.cache.arrays import StatesReader, StatesWriter
from frostline.cache.entry import Entry

TEXTS = (9_000, 93_000)
RUN = ["encoder=bert_tiny", "dataset=wordnet", "dataset.max_val=1000", "dataset.max_test=1000", "freezing=top_k"]
LIGHT = ["freezing.k=1", "trainer=cpu", "trainer.max_epochs=1", "logger=csv", "cache.mode=on"]
BYTES, LENGTH, WIDTH, BATCH, OPENINGS = 5_000_000_000, 100, 384, 64, 5


def memory(texts: int) -> tuple[float, float]:
    """Megabytes that the run held at most, and that lie in its store over those of the numbers it keeps, as a share."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "frostline", *RUN, *LIGHT, f"dataset.max_train={texts}"]
        done = subprocess.Popen([*command, f"cache.dir={folder}/store"], cwd=folder, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(done.pid, 0)
        assert status == 0
        files = [f for f in Path(folder, "store").rglob("*") if f.is_file()]
        numbers = sum(f.stat().st_size for f in files if f.name.startswith("states."))
        return used.ru_maxrss / 1e3, sum(f.stat().st_size for f in files) / numbers - 1


def opening() -> list[float]:
    """Seconds to open an entry, with its files in the system's memory as far as they were written."""
    texts = BYTES // (LENGTH * WIDTH * 4)
    with tempfile.TemporaryDirectory() as folder:
        entry = Entry(Path(folder), "0" * 16)
        numbers = torch.randn(BATCH * LENGTH, WIDTH)
        with entry.lock_for_writing():
            writer = StatesWriter(entry.partial_path, "0of1", "float32")
            for start in range(0, texts, BATCH):
                rows = np.arange(start, min(start + BATCH, texts))
                writer.append(rows, np.full(len(rows), LENGTH), numbers[: len(rows) * LENGTH])
            entry.commit({"files": writer.close(), "texts": texts, "dtype": "float32"})
        seconds = []
        for _ in range(OPENINGS):
            began = time.perf_counter()
            StatesReader(entry)
            seconds.append(time.perf_counter() - began)
        return seconds


if __name__ == "__main__":
    few, many = (memory(texts) for texts in TEXTS)
    for texts, (held, _) in zip(TEXTS, (few, many), strict=True):
        print(f"memory: {held:,.0f} MB of {texts:,} texts")
    print(f"on disk beyond the numbers: {few[1]:.1%} and {many[1]:.1%}")
    print(f"opening {BYTES / 1e9:g} GB: " + ", ".join(f"{s:.3f} s" for s in opening()))
