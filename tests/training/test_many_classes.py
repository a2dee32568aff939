"""What a run records of very many classes stays small, and says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import metrics

from command_line import Command, in_process
from frostline.config.checks.monitors import class_problems
from frostline.report.read.run_folders import read_runs
from frostline.results.atomic_files import read_json
from frostline.results.metric_names import MAX_CLASSES
from frostline.sweeps.fused.metrics import stacked_scores
from frostline.training.callbacks.predictions import SplitPredictions, confusion_record
from frostline.training.metrics import ClassificationMetrics

frostline = in_process
MANY = MAX_CLASSES + 1


def test_scores_are_those_of_scikit_learn_without_the_f1_of_each_class() -> None:
    chance = torch.Generator().manual_seed(1)
    labels = torch.randint(MANY, (700,), generator=chance)
    logits = torch.randn(700, MANY, generator=chance)
    logits[torch.arange(700), labels] += 2
    names, measured = [f"c{c}" for c in range(MANY)], ClassificationMetrics([f"c{c}" for c in range(MANY)])
    for rows in torch.arange(700).split(64):
        measured.update(logits[rows], labels[rows], torch.ones(len(rows)))
    scores, predicted = measured.compute(), logits.argmax(dim=1)
    macro = metrics.f1_score(labels, predicted, average="macro", labels=range(MANY), zero_division=0)
    assert list(scores) == ["loss", "accuracy", "f1_macro", "ece"]
    assert scores["f1_macro"] == pytest.approx(macro, abs=1e-6)
    assert stacked_scores(logits[None], labels, names)[0] == pytest.approx(scores, abs=1e-6)
    assert measured.confusion() is None
    record = confusion_record(None, SplitPredictions(torch.arange(700), labels, logits.softmax(dim=1)))
    matrix = np.zeros((MANY, MANY), int)
    cells = record["confusion_cells"]
    matrix[cells["true"], cells["predicted"]] = cells["texts"]
    assert np.array_equal(matrix, metrics.confusion_matrix(labels, predicted, labels=range(MANY)))
    assert min(cells["texts"]) > 0


def test_a_run_and_its_report(frostline: Command) -> None:
    rows = [(f"text {n} of topic {n % MANY}", f"class {n % MANY:03d}") for n in range(4 * MANY)]
    pd.DataFrame(rows, columns=["text", "label"]).to_csv("my.csv", index=False)
    words = ["dataset=table", "dataset.train=my.csv", "freezing=direct", "trainer=cpu", "logger=csv"]
    done = frostline(*words, "dataset.max_length=16")
    assert done.status == 0, done.err
    assert f"data: {MANY} classes: of more than {MAX_CLASSES} the F1 of each is not recorded" in done.err
    (folder,) = Path("runs/default").iterdir()
    result = read_json(folder / "result.json")
    assert not any("/f1/" in name for name in result["metrics"]) and result["confusion"] is None
    (run,) = read_runs(["runs"])
    predictions = pd.read_parquet(folder / "predictions.parquet", columns=["label", "true_class", "predicted_class"])
    counts = predictions.astype(str).groupby(["true_class", "predicted_class"]).size()
    assert {(result["classes"][i], result["classes"][j]): n for (i, j), n in run.confusion.items()} == counts.to_dict()
    assert list(run.supports) == np.bincount(predictions["label"], minlength=MANY).tolist()
    assert frostline("report", "runs").status == 0
    wrong = (predictions["true_class"].astype(str) != predictions["predicted_class"].astype(str)).sum()
    assert f"{wrong} of {len(predictions)} texts of test are misclassified" in frostline("errors", str(folder)).out


def test_the_f1_of_one_of_too_many_classes_cannot_be_monitored() -> None:
    names = [f"c{c}" for c in range(MANY)]
    assert not list(class_problems({"trainer.monitor": "val/f1/c1"}, names[:MAX_CLASSES]))
    (problem,) = class_problems({"trainer.monitor": "val/f1/c1"}, names)
    assert f"for at most {MAX_CLASSES} classes, and the data has {MANY}" in problem.what
    assert not list(class_problems({"trainer.monitor": "val/f1_macro"}, names))
