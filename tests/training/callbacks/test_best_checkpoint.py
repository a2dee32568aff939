"""The best epoch is that with the best value of the monitor, by a computation of scikit-learn's."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from frostline.errors import FrostlineError, UserError
from frostline.results.folder import RunFolder
from frostline.results.metric_names import SCORES
from frostline.training.callbacks.best_checkpoint import BestCheckpoint
from frostline.training.metrics import ClassificationMetrics
from frostline.training.multi_label_metrics import MultiLabelMetrics

Go = Callable[..., dict[str, Any]]
NAMES = st.sampled_from([*SCORES, "val/loss", "f1/loss", "f1", "a b", "a/b", "1"]) | st.text(min_size=1, max_size=5)
TEXTS = 12


def best_of(monitor: str | None, epochs: list[dict[str, float]]) -> BestCheckpoint:
    """Return the callback after these epochs, without weights."""
    best = BestCheckpoint(RunFolder(Path()), monitor, {})
    for epoch, values in enumerate(epochs):
        if best.is_better(values):
            best.epoch, best.values = epoch, values
    return best


@settings(max_examples=30, deadline=None)
@given(st.lists(NAMES, min_size=2, max_size=4, unique=True), st.integers(0, 2**32), st.data())
def test_the_f1_of_a_class_of_any_name_keeps_its_best_epoch(names: list[str], seed: int, data: st.DataObject) -> None:
    generator, metrics = torch.Generator().manual_seed(seed), ClassificationMetrics(names)
    monitored = data.draw(st.integers(0, len(names) - 1))
    epochs, expected = [], []
    for _ in range(4):
        labels = torch.randint(len(names), (TEXTS,), generator=generator)
        logits = torch.randn(TEXTS, len(names), generator=generator)
        metrics.update(logits, labels, torch.ones(TEXTS))
        epochs.append({f"val/{name}": value for name, value in metrics.compute().items()})
        metrics.reset()
        classes = list(range(len(names)))
        by_class = f1_score(labels, logits.argmax(dim=1), labels=classes, average=None, zero_division=0)
        expected.append(by_class[monitored])
    best = best_of(f"val/f1/{names[monitored]}", epochs)
    assert best.epoch == int(np.argmax(np.round(expected, 6)))


VALUES = st.floats(0, 1) | st.sampled_from([math.nan, math.inf, -math.inf])


@given(st.lists(VALUES, min_size=1, max_size=6), st.sampled_from(["val/loss", "val/f1_macro"]))
def test_an_epoch_that_is_not_finite_is_never_the_best(values: list[float], monitor: str) -> None:
    best = best_of(monitor, [{monitor: value} for value in values])
    finite = [value for value in values if math.isfinite(value)]
    if finite:
        assert best.best_epoch() == values.index(min(finite) if monitor == "val/loss" else max(finite))
    else:
        with pytest.raises(FrostlineError, match=f"{monitor} was nan or infinite after every epoch"):
            best.best_epoch()


@pytest.mark.parametrize(
    "metrics", [ClassificationMetrics(["a", "b"]), MultiLabelMetrics(["a", "b"])], ids=["one", "several"]
)
def test_one_text_without_a_probability_leaves_no_metric(metrics: Any) -> None:
    """A prediction from nan would count as that of a class, and a mean that leaves it out would hide it."""
    several = isinstance(metrics, MultiLabelMetrics)
    for logits in ([[1.0, 0.0]], [[math.nan, 0.0]]):
        labels = torch.tensor([[1, 0]]) if several else torch.tensor([0])
        metrics.update(torch.tensor(logits), labels, torch.ones(1))
    assert all(math.isnan(value) for value in metrics.compute().values())


def table(rows: int = 60) -> list[str]:
    """Write texts of the classes `loss` and `accuracy/f1`, and return the overrides that read them."""
    words = {"loss": "bad awful poor", "accuracy/f1": "good great fine"}
    lines = [f"{word.split()[i % 3]} film {i}\t{name}" for i in range(rows // 2) for name, word in words.items()]
    Path("names.tsv").write_text("\n".join(["text\tlabel", *lines]))
    return ["dataset=table", "dataset.train=names.tsv", "dataset.batch_size=8", "trainer=cpu", "trainer.max_epochs=3"]


def validated(folder: Path, metric: str) -> list[float]:
    with (folder / "metrics.csv").open(newline="") as file:
        return [float(row["value"]) for row in csv.DictReader(file) if row["name"] == metric]


@pytest.mark.parametrize("name", ["loss", "accuracy/f1"])
def test_a_run_keeps_the_best_epoch_of_a_class_named_as_a_metric(go: Go, name: str) -> None:
    result = go(*table(), f"trainer.monitor='val/f1/{name}'", "optimizer.lr=0.003")
    values = validated(result["folder"], f"val/f1/{name}")
    assert len(set(values)) > 1, "with equal values nothing is chosen"
    assert result["best"]["epoch"] == int(np.argmax(values)) + 1
    assert result["metrics"][f"val/f1/{name}"] == pytest.approx(max(values))


def test_a_class_that_the_data_do_not_have_is_refused_before_training(go: Go) -> None:
    with pytest.raises(UserError, match=r"trainer\.monitor: the data has no class 'los'; did you mean val/f1/loss\?"):
        go(*table(), "trainer.monitor=val/f1/los")


def test_micro_f1_of_texts_with_one_class_is_refused(go: Go, job: Any) -> None:
    with pytest.raises(UserError, match=r"trainer\.monitor: .*give val/accuracy"):
        go(*table(), "trainer.monitor=val/f1_micro")
    with pytest.raises(UserError, match=r"trainer\.monitor: .*give val/accuracy"):
        job("dataset=vader_movies", "trainer.monitor=val/f1_micro")
    job("dataset=foldoc", "trainer.monitor=val/f1_micro")


BROKEN = '''
import torch
from torch import nn


class Broken(nn.Linear):
    """A linear head whose outputs are nan in the validations of the first `epochs` epochs."""

    def __init__(self, width: int, classes: int, epochs: int = 1) -> None:
        super().__init__(width, classes)
        self.left = epochs

    def forward(self, vectors):
        logits = super().forward(vectors)
        if self.training or self.left == 0:
            return logits
        self.left -= 1
        return logits * torch.nan
'''


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    Path("broken_heads.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(str(Path.cwd()))
    return [*table(), "head._target_=broken_heads.Broken", "~head.dropout", "dataset.batch_size=64"]


def test_an_epoch_that_was_nan_is_reported_and_not_kept(
    go: Go, broken: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    result = go(*broken, "+head.epochs=1")
    assert result["best"]["epoch"] in (2, 3)
    assert "epoch 1: val/f1_macro is nan, so that it is not the best epoch" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("monitor", "reason"), [("val/loss", "after every epoch"), ("null", "metrics: val/loss is nan")]
)
def test_a_run_that_was_never_finite_fails_with_the_reason(
    go: Go, broken: list[str], monitor: str, reason: str
) -> None:
    with pytest.raises(FrostlineError, match=reason):
        go(*broken, "+head.epochs=99", f"trainer.monitor={monitor}", "trainer.patience=null")
    assert not list(Path("runs").rglob("result.json")) and list(Path("runs").rglob("failure.json"))
