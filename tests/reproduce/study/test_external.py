"""A run that another program does leaves a folder like any other: scored alike, read by report, not done again."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, log_loss

from command_line import Command, in_process
from frostline.config import job_list as listed
from frostline.config.jobs import Job
from frostline.data.corpus import Corpus, Split
from frostline.reproduce.study.external import Done, Program, main
from frostline.results.atomic_files import read_json
from frostline.training.callbacks.predictions import SplitPredictions
from frostline.types import Config

frostline = in_process
WORDS = ["dataset.max_train=64", "dataset.max_val=32", "dataset.max_test=64", "logger=csv", "freezing=frozen"]
KIND = {"kind": "by length"}


def by_length(job: Job, config: Config, corpus: Corpus) -> Done:
    """Chances that follow from how long a text is."""

    def told(part: Split) -> SplitPredictions:
        lengths = torch.tensor([[float(len(text))] for text in part.texts])
        chances = ((lengths - 90) / 40 * torch.arange(3.0)).softmax(dim=1)
        return SplitPredictions(torch.arange(len(part)), torch.tensor(part.labels), chances)

    assert config["head"] == KIND and len(corpus.classes) == 3
    return Done({"val": told(corpus.val), "test": told(corpus.test)}, learned=3)


def test_it_is_scored_and_read_like_any_other(frostline: Command) -> None:
    runs = [[f"runs/lab/one-{seed}", *WORDS, f"seed={seed}"] for seed in (1, 2)]
    Path("list.txt").write_text(listed.format_jobs(runs))
    program = Program({"encoder": "none", "head": "by length"}, lambda config: {"head": KIND}, by_length)
    main("list.txt", program)
    result, told = read_json(Path("runs/lab/one-1/result.json")), pd.read_parquet("runs/lab/one-1/predictions.parquet")
    chances = told[["p_0", "p_1", "p_2"]].to_numpy()
    guessed = chances.argmax(axis=1)
    assert len(told) == 64 and set(guessed) == {0, 2}
    assert {name: result["metrics"][f"test/{name}"] for name in ("accuracy", "f1_macro", "loss")} == pytest.approx(
        {
            "accuracy": accuracy_score(told["label"], guessed),
            "f1_macro": f1_score(told["label"], guessed, average="macro"),
            "loss": log_loss(told["label"], chances),
        },
        abs=1e-5,
    )
    said = frostline("report", "runs", "--rows", "head", "--cols", "dataset", "--format", "json")
    [row] = json.loads(said.out)["rows"]
    assert (row["head"], row["dataset"], row["n"]) == ("by length", "vader_movies", 2)
    before = Path("runs/lab/one-1/result.json").read_bytes()
    main("list.txt", program)
    assert Path("runs/lab/one-1/result.json").read_bytes() == before
