"""A run reports how much of its texts it has not read: on the console, in its record and in reports."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from command_line import Command, in_process
from frostline.models.encoders.auto_model import locate_checkpoint
from frostline.results.atomic_files import read_json
from parts import config

frostline = in_process
RUN = [
    "dataset=table",
    "dataset.train=my.jsonl",
    "freezing=frozen",
    "trainer=cpu",
    "logger=csv",
    "trainer.max_epochs=1",
]


def write_texts(count: int = 60) -> pd.Series:
    """Write texts of 1 to 30 words; some contain a special token."""
    texts = [" ".join(["word", "[SEP]" if n == 7 else "other"] * (1 + n // 4)) + f" {n}" for n in range(count)]
    rows = [{"text": text, "label": "ab"[n % 2]} for n, text in enumerate(texts)]
    Path("my.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return pd.Series(texts)


def test_truncated_texts_are_counted_alone_and_in_a_fused_sweep(frostline: Command) -> None:
    from transformers import AutoTokenizer

    texts, known = write_texts(), config("encoder", "bert_tiny")
    tokenizer = AutoTokenizer.from_pretrained(locate_checkpoint(known["name"], known["pin"]))
    lengths = pd.Series([len(ids) for ids in tokenizer(list(texts), split_special_tokens=True)["input_ids"]])
    alone = frostline(*RUN, "dataset.max_length=20")
    assert alone.status == 0, alone.err
    assert "contain special tokens" in alone.err and "row 8 of train" in alone.err
    environment = read_json(next(Path("runs").glob("*/*/environment.json")))
    total = {key: sum(split[key] for split in environment["tokens"].values()) for key in environment["tokens"]["test"]}
    assert total["texts"] == len(texts) and total["with_special_tokens"] == 1 and total["without_tokens"] == 0
    assert total["truncated"] == (lengths > 20).sum() and total["tokens"] == (lengths - 2).sum()
    assert total["cut"] == (lengths - 20).clip(0).sum()
    (line,) = [line for line in alone.err.splitlines() if line.startswith("data: truncated to dataset.max_length=20: ")]
    test = environment["tokens"]["test"]
    assert f"{test['truncated']} of {test['texts']} texts of test ({test['cut'] / test['tokens']:.1%} of their" in line
    assert "1 run in which more than a tenth of the texts" in frostline("report", "runs").out

    together = frostline("-m", *RUN, "hydra/launcher=fused", "dataset.max_length=20", "seed=2,3", "study=fused")
    assert together.status == 0, together.err
    assert sum("data: truncated" in line for line in together.err.splitlines()) == 1
    records = [read_json(file)["tokens"] for file in Path("runs/fused").glob("*/environment.json")]
    assert records == [environment["tokens"]] * 2

    fits = frostline(*RUN, "dataset.max_length=128", "study=whole")
    assert "truncated" not in fits.err
    assert "truncated" not in frostline("report", "runs/whole").out
