"""Tests of external runs: the same metrics and files as a run of frostline; complete runs are not repeated."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, log_loss

from command_line import Command, in_process
from frostline.config.job_list import format_jobs
from frostline.config.jobs import Job
from frostline.data.corpus import Corpus, Split
from frostline.reproduce.study.external import ExternalProgram, ExternalResult, main
from frostline.results.atomic_files import read_json
from frostline.training.callbacks.predictions import SplitPredictions
from frostline.types import Config

frostline = in_process
WORDS = ["dataset.max_train=64", "dataset.max_val=32", "dataset.max_test=64", "logger=csv", "freezing=frozen"]
KIND = {"kind": "by length"}


def by_length(job: Job, config: Config, corpus: Corpus) -> ExternalResult:
    """Predict probabilities that depend on the length of a text."""

    def predict(split: Split) -> SplitPredictions:
        lengths = torch.tensor([[float(len(text))] for text in split.texts])
        probabilities = ((lengths - 90) / 40 * torch.arange(3.0)).softmax(dim=1)
        return SplitPredictions(torch.arange(len(split)), torch.tensor(split.labels), probabilities)

    assert config["head"] == KIND and len(corpus.classes) == 3
    return ExternalResult({"val": predict(corpus.val), "test": predict(corpus.test)}, trainable=3)


def test_an_external_run_has_the_metrics_of_scikit_learn_and_is_read_by_report(frostline: Command) -> None:
    runs = [[f"runs/lab/one-{seed}", *WORDS, f"seed={seed}"] for seed in (1, 2)]
    Path("list.txt").write_text(format_jobs(runs))
    program = ExternalProgram({"encoder": "none", "head": "by length"}, lambda config: {"head": KIND}, by_length)
    main("list.txt", program)
    result = read_json(Path("runs/lab/one-1/result.json"))
    table = pd.read_parquet("runs/lab/one-1/predictions.parquet")
    probabilities = table[["p_0", "p_1", "p_2"]].to_numpy()
    predicted = probabilities.argmax(axis=1)
    assert len(table) == 64 and set(predicted) == {0, 2}
    assert {name: result["metrics"][f"test/{name}"] for name in ("accuracy", "f1_macro", "loss")} == pytest.approx(
        {
            "accuracy": accuracy_score(table["label"], predicted),
            "f1_macro": f1_score(table["label"], predicted, average="macro"),
            "loss": log_loss(table["label"], probabilities),
        },
        abs=1e-5,
    )
    said = frostline("report", "runs", "--rows", "head", "--cols", "dataset", "--format", "json")
    [row] = json.loads(said.out)["rows"]
    assert (row["head"], row["dataset"], row["n"]) == ("by length", "vader_movies", 2)
    before = Path("runs/lab/one-1/result.json").read_bytes()
    main("list.txt", program)
    assert Path("runs/lab/one-1/result.json").read_bytes() == before
