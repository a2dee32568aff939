"""Texts a second of `frostline predict`, beside a bare loop over the same texts sorted by length; and its peak memory.

    python tests/benchmarks/predicting.py [ENCODER] [TEXTS] [ROUNDS]

Short texts of 3 to 30 words, float32, one thread. The command in this process (reading csv, tokens, encoder, head,
writing csv) and the loop in plain PyTorch (tokens of all texts, encoder, pooling, head) take turns; the loop has the
best of several batch sizes, with all texts sorted at once. Ratios are of processor seconds, which other processes
disturb less than a clock. Peak memory is that of processes that predict 10,000 and 100,000 texts.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from timing import pairs, table
from torch.nn.utils.rnn import pad_sequence

from frostline.config.jobs import jobs_of_command
from frostline.export.load import load_model
from frostline.export.predict_file import PredictionJob, predict_file
from frostline.models.trained import TrainedModel
from frostline.training.run import run
from peak_memory import peak_mib

SIZES, PEAKS = (32, 64, 128, 256), (10_000, 100_000)
WORDS = ["the", "a", "soup", "film", "plot", "actor", "late", "good", "bad", "funny", "slow", "but", "was", "again"]


def write_texts(path: Path, count: int) -> list[str]:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, rng.integers(3, 31))) for _ in range(count)]
    path.write_text("n,text\n" + "".join(f"{n},{text}\n" for n, text in enumerate(texts)))
    return texts


def trained_folder(encoder: str) -> Path:
    overrides = [f"encoder={encoder}", "freezing=frozen", "trainer=cpu", "logger=csv", "dataset.max_train=64"]
    [job] = jobs_of_command([*overrides, "trainer.max_epochs=1", "trainer.min_steps=null", "dataset.max_test=64"])
    with contextlib.redirect_stdout(io.StringIO()):
        run(job.config, job.choices, job.overrides, job.folder)
    return job.folder.absolute()


def command(folder: Path, file: Path, into: Path) -> None:
    into.unlink(missing_ok=True)
    predict_file(PredictionJob([folder], str(file), into=into), sys.stdout, -1)


@torch.inference_mode()
def bare(trained: TrainedModel, texts: list[str], size: int) -> torch.Tensor:
    encoder = trained.model.encoder
    ids = encoder.tokenizer(texts, truncation=True, max_length=trained.max_length)["input_ids"]
    order = np.argsort([len(row) for row in ids], kind="stable")
    probabilities = torch.empty(len(texts), len(trained.classes))
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        chosen = [torch.tensor(ids[row]) for row in rows]
        batch = pad_sequence(chosen, batch_first=True, padding_value=encoder.pad_id)
        mask = (torch.arange(batch.shape[1]) < torch.tensor([len(row) for row in chosen])[:, None]).long()
        states = encoder.model(input_ids=batch, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).float()
        vectors = (states * weight).sum(1) / weight.sum(1)
        probabilities[torch.from_numpy(rows)] = trained.model.head(vectors).softmax(-1)
    return probabilities


def seconds(way: Callable[[], object]) -> float:
    began = time.process_time()
    way()
    return time.process_time() - began


def measure(encoder: str, count: int, rounds: int) -> str:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        folder, file = trained_folder(encoder), Path("texts.csv")
        texts, trained = write_texts(file, count), load_model(folder)
        some = texts[: max(count // 10, 1)]
        size = min(SIZES, key=lambda size: seconds(lambda: bare(trained, some, size)))
        ours, loop = list[float](), list[float]()
        ways = ((lambda: command(folder, file, Path("out.csv")), ours), (lambda: bare(trained, texts, size), loop))
        for number in range(rounds + 1):  # the first warms up
            for way, found in ways[:: -1 if number % 2 else 1]:
                found.append(seconds(way))
        peaks = {}
        for texts_in_file in PEAKS:
            write_texts(file, texts_in_file)
            words = [sys.executable, "-m", "frostline", "predict", str(folder), str(file)]
            peaks[f"{texts_in_file:,} texts"] = [peak_mib(words)]
    rates = [[count / s for s in found[1:]] for found in (ours, loop)]
    rows = dict(zip((f"frostline predict, {encoder}", f"bare loop, {size} texts at once"), rates, strict=True))
    ratio = table({"predict / loop": pairs(*rates)}, "ratio")
    return f"{table(rows, 'texts/s')}\n\n{ratio}\n\n{table(peaks, 'MiB')}"


if __name__ == "__main__":
    encoder, count, rounds = [*sys.argv[1:], *("bert_tiny", "20000", "3")[len(sys.argv) - 1 :]]
    print(measure(encoder, int(count), int(rounds)))
