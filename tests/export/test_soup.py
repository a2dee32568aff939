"""Soups, ensembles and model cards of several small runs, against plain PyTorch and scikit-learn.

It is of frostline.export.members and frostline.export.siblings.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from pyarrow import parquet
from safetensors.torch import load_file
from sklearn.metrics import accuracy_score, f1_score

from frostline.config.jobs import jobs_of_command
from frostline.data.build import load_corpus
from frostline.errors import UserError
from frostline.export.card import model_card
from frostline.export.ensemble import make_ensemble
from frostline.export.evaluate import score_splits
from frostline.export.load import load_model
from frostline.export.open_model import open_model
from frostline.export.predictor import Predictor
from frostline.export.soup import make_soup
from frostline.results.folder import RunFolder

TOPICS = {"sport": "the team won match {}", "food": "soup {} was salty", "travel": "train {} left at noon"}


def write_tables(folder: Path) -> None:
    """Write texts.csv, in which two labels of seven are wrong, and tags.csv."""
    rows = [(topic, text.format(number)) for number in range(60) for topic, text in TOPICS.items()]
    wrong = {"sport": "food", "food": "travel", "travel": "sport"}
    labels = [wrong[topic] if number % 7 in (0, 3) else topic for number, (topic, _) in enumerate(rows)]
    texts = [f"{label},{text}\n" for label, (_, text) in zip(labels, rows, strict=True)]
    (folder / "texts.csv").write_text("label,text\n" + "".join(texts))
    tags = [f"{int(topic != 'food')},{int(topic != 'sport')},{text}\n" for topic, text in rows]
    (folder / "tags.csv").write_text("near,far,text\n" + "".join(tags))


def train(folder: Path, *overrides: str) -> Path:
    from frostline.training.run import run

    with contextlib.chdir(folder):
        small = ["dataset=table", "dataset.train=texts.csv", "trainer.max_epochs=1", "trainer.min_steps=null"]
        (job,) = jobs_of_command(["logger=csv", *small, *overrides])
        run(job.config, job.choices, job.overrides, job.folder)
        return job.folder.absolute()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    write_tables(folder)
    return folder


@pytest.fixture(scope="module")
def runs(folder: Path) -> list[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FROSTLINE_STORE", str(folder / "store"))
        return [train(folder, "freezing=full", f"seed={seed}", "optimizer.lr=1e-3") for seed in (1, 2, 3)]


@pytest.fixture
def at_data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def recorded(folder: Path, test_set: str = "test") -> tuple[np.ndarray, list[str], list[str]]:
    rows = [row for row in parquet.read_table(folder / "predictions.parquet").to_pylist() if row["set"] == test_set]
    names = [name for name in rows[0] if name.startswith("p_") and name[2:].isdecimal()]
    probabilities = np.array([[row[name] for name in names] for row in rows])
    return probabilities, [row["true_class"] for row in rows], [row["predicted_class"] for row in rows]


def metrics(folder: Path) -> dict[str, float]:
    values: dict[str, float] = json.loads((folder / "result.json").read_text())["metrics"]
    return values


def scores_by_hand(runs: Sequence[Path], tensors: dict[str, Any], split: str) -> float:
    """The macro-F1 of a model with these weights on a split, text by text."""
    trained = load_model(runs[0])
    known = {name: p for block in trained.blocks for name, p in block.parameters.items()}
    with torch.no_grad():
        for name, value in tensors.items():
            known[name].copy_(value)
    texts = getattr(load_corpus(trained.config["dataset"]), split)
    predicted = Predictor(trained).predict(texts.texts)
    return float(f1_score([trained.classes[label] for label in texts.labels], predicted, average="macro"))


def test_the_uniform_soup_is_the_mean_of_the_weights(runs: list[Path], at_data: Path, tmp_path: Path) -> None:
    description = make_soup(runs, tmp_path / "soup", "uniform")
    weights = [load_file(run / "checkpoints" / "best.safetensors") for run in runs]
    soup = load_file(tmp_path / "soup" / "checkpoints" / "best.safetensors")
    for name, value in soup.items():
        torch.testing.assert_close(value, sum(each[name] for each in weights) / 3, atol=1e-6, rtol=1e-5)
    found = metrics(tmp_path / "soup")
    for split in ("val", "test"):
        assert found[f"{split}/f1_macro"] == pytest.approx(scores_by_hand(runs, soup, split))
    best = max(metrics(run)["val/f1_macro"] for run in runs)
    assert ("no better than" in description) == (found["val/f1_macro"] <= best)
    _, true, predicted = recorded(tmp_path / "soup")
    assert found["test/accuracy"] == pytest.approx(accuracy_score(true, predicted))


def test_the_greedy_soup_takes_what_does_not_harm(runs: list[Path], at_data: Path, tmp_path: Path) -> None:
    make_soup(runs, tmp_path / "soup", "greedy")
    scores = {run: metrics(run)["val/f1_macro"] for run in runs}
    order = sorted(runs, key=lambda run: -scores[run])
    weights = {run: load_file(run / "checkpoints" / "best.safetensors") for run in runs}
    used, best = order[:1], scores[order[0]]
    for run in order[1:]:
        tried = [*used, run]
        mean = {name: sum(weights[each][name] for each in tried) / len(tried) for name in weights[run]}
        if (score := scores_by_hand(runs, mean, "val")) >= best - 1e-6:  # recorded scores are of float32
            used, best = tried, score
    record = json.loads((tmp_path / "soup" / "result.json").read_text())
    assert record["soup"]["used"] == [run.name for run in used]
    assert metrics(tmp_path / "soup")["val/f1_macro"] == pytest.approx(best)
    assert record["choices"]["averaging"] == "soup_greedy"


def test_a_soup_is_loaded_scored_and_predicted_with_like_a_run(runs: list[Path], at_data: Path, tmp_path: Path) -> None:
    make_soup(runs, tmp_path / "soup")
    trained = load_model(tmp_path / "soup")
    test = load_corpus(trained.config["dataset"]).test
    scores = score_splits(trained, {"test": test})["test"].metrics
    found = metrics(tmp_path / "soup")
    assert scores == {name: value for name, value in found.items() if name.startswith("test/")}
    np.testing.assert_allclose(Predictor(trained).predict_proba(test.texts), recorded(tmp_path / "soup")[0], atol=1e-5)


def test_an_ensemble_is_the_mean_of_the_probabilities(runs: list[Path], at_data: Path, tmp_path: Path) -> None:
    make_ensemble(runs, tmp_path / "ensemble")
    mean = np.mean([recorded(run)[0] for run in runs], axis=0)
    probabilities, true, predicted = recorded(tmp_path / "ensemble")
    np.testing.assert_allclose(probabilities, mean, atol=1e-6)
    assert metrics(tmp_path / "ensemble")["test/f1_macro"] == pytest.approx(f1_score(true, predicted, average="macro"))
    model = open_model(tmp_path / "ensemble")
    texts = load_corpus(load_model(runs[0]).config["dataset"]).test.texts
    np.testing.assert_allclose(model.predict_window(texts).probabilities, mean, atol=1e-5)


def test_several_labels_have_thresholds_of_the_combination(folder: Path, at_data: Path, tmp_path: Path) -> None:
    tags = ["dataset.train=tags.csv", "dataset.label_column=[near,far]", "freezing=frozen"]
    runs = [train(folder, *tags, f"seed={seed}") for seed in (1, 2)]
    make_soup(runs, tmp_path / "soup", "uniform")
    make_ensemble(runs, tmp_path / "ensemble")
    for name in ("soup", "ensemble"):
        _, true, predicted = recorded(tmp_path / name)
        flags = [[[c in row for c in ("far", "near")] for row in rows] for rows in (true, predicted)]
        oracle = f1_score(*flags, average="macro", zero_division=0)
        assert metrics(tmp_path / name)["test/f1_macro"] == pytest.approx(oracle)
        assert set(json.loads((tmp_path / name / "result.json").read_text())["thresholds"]) == {"near", "far"}


def test_runs_that_cannot_be_combined(folder: Path, runs: list[Path], at_data: Path, tmp_path: Path) -> None:
    frozen = train(folder, "freezing=frozen", "seed=1")
    fitted = [train(folder, "freezing=frozen", "head=logistic", f"seed={seed}") for seed in (1, 2)]
    taken = tmp_path / "taken"
    taken.mkdir()
    for members, target, reason in (
        (runs[:1], "a", "give two or more"),
        ([runs[0], runs[0]], "a", "is given twice"),
        ([runs[0], fitted[0]], "a", "has another head"),
        ([runs[0], frozen], "a", "have trained other parameters"),
        (fitted, "a", "is fitted in closed form"),
        (runs[:2], "taken", "exists already"),
    ):
        with pytest.raises(UserError, match=reason):
            make_soup(members, tmp_path / target)
    assert not list(tmp_path.glob("*a*/*")) and not (tmp_path / "a").exists()


def test_the_card_says_what_the_record_says(runs: list[Path], at_data: Path) -> None:
    trained = load_model(runs[0])
    card = model_card(trained, "transformers")
    _, front, body = card.split("---\n", 2)
    entries = yaml.safe_load(front)
    value = entries["model-index"][0]["results"][0]["metrics"][0]["value"]
    assert (value, entries["pipeline_tag"]) == (trained.result["metrics"]["test/accuracy"], "text-classification")
    environment = json.loads(RunFolder(runs[0]).environment.read_text())
    for name in ("accuracy", "f1_macro", "ece", "loss"):
        assert f"{trained.result['metrics'][f'test/{name}']:.4f}" in body
    for name in trained.classes:
        assert f"| {name} | {trained.result['metrics'][f'test/f1/{name}']:.4f} |" in body
    values = [metrics(run)["test/f1_macro"] for run in runs]
    assert f"Over 3 seeds, macro F1 has the mean {np.mean(values):.4f}" in body
    assert environment["data"]["fingerprint"] in body and trained.result["id"] in body
    assert "seed=1" in body and "No text of the data set was longer." in body


def test_the_card_of_a_soup_names_its_runs_and_no_epoch(runs: list[Path], at_data: Path, tmp_path: Path) -> None:
    make_soup(runs, tmp_path / "greedy", "greedy")
    trained = load_model(tmp_path / "greedy")
    used = trained.result["soup"]["used"]
    card = model_card(trained, "transformers")
    assert f"The weights are the mean of those of {len(used)} runs: {', '.join(used)}." in card
    assert "of epoch" in model_card(load_model(runs[0]), "transformers") and "of epoch" not in card


def test_the_interval_of_a_card_is_that_of_resampled_texts(runs: list[Path]) -> None:
    from frostline.export.score_intervals import bootstrap_interval, read_text_scores

    trained = load_model(runs[0])
    scores = read_text_scores(trained.folder.predictions, "test", trained.classes, trained.thresholds)
    _, true, predicted = recorded(runs[0])
    rng, values = np.random.default_rng(1), []
    for _ in range(2000):
        rows = rng.integers(0, len(true), len(true))
        chosen = [[names[row] for row in rows] for names in (true, predicted)]
        values.append(f1_score(*chosen, labels=trained.classes, average="macro", zero_division=0))
    np.testing.assert_allclose(bootstrap_interval(scores, "f1_macro"), np.quantile(values, [0.025, 0.975]), atol=0.04)


def test_a_card_without_siblings_names_no_seeds(runs: list[Path], tmp_path: Path) -> None:
    shutil.copytree(runs[0], tmp_path / "alone" / "run")
    card = model_card(load_model(tmp_path / "alone" / "run"), "onnx")
    assert "seeds" not in card
