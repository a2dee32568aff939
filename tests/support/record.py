"""The record of a run as DESIGN.md describes it, checked by `assert_full`."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from safetensors import safe_open

from frostline.freezing.build import with_min_steps
from frostline.results.folder import RunFolder
from frostline.results.identity import run_id

PLACE = {
    "python",
    "platform",
    "processor",
    "cores",
    "command",
    "packages",
    "git",
    "device",
    "precision",
    "ranks",
    "threads",
}
GROUPS = {"encoder", "pooler", "head", "dataset", "freezing", "optimizer", "scheduler", "trainer", "logger"}
SCORES = ("loss", "accuracy", "f1_macro", "ece")
COST = {"seconds", "seconds_fit", "steps", "texts_read", "texts_encoded", "texts_from_store", "peak_memory_bytes"}
OURS = {
    "config.yaml",
    "plan.txt",
    "metrics.csv",
    "environment.json",
    "result.json",
    "predictions.parquet",
    "checkpoints",
    ".lock",
    ".job.json",
}
OTHERS = {".hydra", "wandb", ".wandb-id", "tensorboard", "uncommitted.diff"}


def assert_full(folder: Path) -> dict[str, Any]:
    """Check that a complete run has all files of its record, that they agree, and that there are no temporary files."""
    place = RunFolder(folder)
    result: dict[str, Any] = json.loads(place.result.read_text())
    config = yaml.safe_load(place.config.read_text())
    texts = json.loads(place.environment.read_text())["data"]["texts"]["train"]
    assert_result(result, result["config"])
    assert result["config"] == with_min_steps(config, texts)
    assert run_id(config) == result["id"] == json.loads(place.job.read_text())["id"]
    assert_environment(place, result)
    assert_plan(place, result)
    assert_metrics(place, result, result["config"])
    assert_checkpoint(place, result)
    assert_predictions(place, result)
    files = {file.name for file in folder.iterdir()}
    assert OURS <= files <= OURS | OTHERS, files
    assert [file.name for file in place.checkpoints.iterdir()] == ["best.safetensors"]
    return result


def assert_result(result: dict[str, Any], config: dict[str, Any]) -> None:
    assert (result["study"], result["seed"]) == (config["study"], config["seed"])
    assert set(result["choices"]) >= GROUPS
    assert all(isinstance(line, str) for line in result["overrides"])
    for split in ("val", "test"):
        assert all(math.isfinite(result["metrics"][f"{split}/{name}"]) for name in SCORES)
        assert all(0 <= result["metrics"][f"{split}/{name}"] <= 1 for name in SCORES[1:])
    assert len(result["classes"]) == len(result["confusion"]) == len(set(result["classes"]))
    parameters = result["parameters"]
    assert 0 <= parameters["trainable"] <= parameters["ever_trainable"] <= parameters["total"]
    assert set(result["cost"]) == COST
    assert result["cost"]["seconds"] > result["cost"]["seconds_fit"] >= 0
    assert result["cost"]["texts_encoded"] + result["cost"]["texts_from_store"] > 0
    assert result["cost"]["texts_read"] > 0
    assert result["cost"]["peak_memory_bytes"] > 1e8


def assert_environment(place: RunFolder, result: dict[str, Any]) -> None:
    environment = json.loads(place.environment.read_text())
    assert set(environment) - {"together"} == PLACE | {"data", "encoder", "tokens"}
    assert environment.get("together", 2) > 1  # said of the runs alone that were handed over with others
    assert set(environment["git"]) == {"commit", "dirty"}
    assert {"frostline", "torch", "lightning"} <= set(environment["packages"])
    assert environment["command"] and "hydra.job.env_set" not in environment["command"]
    assert environment["threads"] >= 1 and environment["device"]
    assert set(environment["data"]["texts"]) == {"train", "val", "test"} and len(environment["data"]["classes"]) > 1
    assert len(environment["data"]["fingerprint"]) >= 12 and len(environment["encoder"]["fingerprint"]) == 64
    for split, counts in environment["tokens"].items():
        assert counts["texts"] == environment["data"]["texts"].get(split, counts["texts"])
        assert 0 <= counts["truncated"] <= counts["texts"] and 0 <= counts["cut"] <= counts["tokens"]
        assert (counts["cut"] >= counts["truncated"]) and bool(counts["cut"]) == bool(counts["truncated"])
    assert (
        sum(map(sum, result["confusion"])) == environment["data"]["texts"]["test"]
        or "one_batch" in result["choices"].values()
    )


def assert_plan(place: RunFolder, result: dict[str, Any]) -> None:
    head, *phases, total = [line for line in place.plan.read_text().splitlines() if not line.startswith("* ")]
    assert head.split()[:2] == ["phase", "epochs"] and head.endswith("frost line")
    assert len(phases) >= len(result["phases"])  # a strategy that adapts need not come to all of them
    known = result["parameters"]
    learn, everything = known["ever_trainable"] - known["solved"], known["total"] - known["solved"]
    assert total == f"{learn:,} of {everything:,} parameters are trainable in at least one phase"


def assert_metrics(place: RunFolder, result: dict[str, Any], config: dict[str, Any]) -> None:
    """Check that metrics.csv has losses and validation scores of each epoch once, and the final scores to the bit."""
    with place.metrics.open(newline="") as file:
        header, *rows = list(csv.reader(file))
    assert header == ["step", "epoch", "name", "value"]
    values = {(int(epoch), name): float(value) for _, epoch, name, value in rows}
    assert len(values) == len(rows)
    learned, best = result["best"]["epoch"] is not None, result["best"]["epoch"] or 0
    final = {(best, name): value for name, value in result["metrics"].items()}
    assert final.items() <= values.items()
    curves = learned and config["logger"]["curves"]
    epochs = range(1, config["trainer"]["max_epochs"] + 1) if curves else range(0)
    every = config["trainer"]["check_val_every_n_epoch"]
    drawn = {(epoch, name) for epoch in epochs for name in ("train/loss", "train/lr")}
    drawn |= {(e, name) for e in epochs for name in _of(result, "val/") if e % every == 0 or e == epochs[-1]}
    assert set(values) == drawn | set(final)


def _of(result: dict[str, Any], split: str) -> list[str]:
    return [name for name in result["metrics"] if name.startswith(split)]


def assert_checkpoint(place: RunFolder, result: dict[str, Any]) -> None:
    """Check the trained weights, which need no pickle, and the id of the run in their file."""
    with safe_open(place.best, "pt") as file:
        about = json.loads(file.metadata()["frostline"])
        sizes = {name: math.prod(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    assert about["id"] == result["id"]
    assert about["encoder"] == json.loads(place.environment.read_text())["encoder"]["fingerprint"]
    head = sum(size for name, size in sizes.items() if name.startswith("head."))
    assert sum(sizes.values()) in (result["parameters"]["ever_trainable"], head)


def assert_predictions(place: RunFolder, result: dict[str, Any]) -> None:
    """Check that there is a row for each test text, in order, whose probabilities give the accuracy of the result."""
    predictions = pd.read_parquet(place.predictions)
    assert predictions.attrs["classes"] == result["classes"]
    assert predictions["row"].min() >= 1 and set(predictions["part"]) <= {"train", "val", "test"}
    assert set(predictions["set"]) == {name.partition("/")[0] for name in result["metrics"] if name.startswith("test")}
    for name, rows in predictions.groupby("set", observed=True):
        assert rows["id"].is_monotonic_increasing and rows["id"].is_unique
        chances = rows.filter(regex=r"^p_\d+$").to_numpy()
        if "thresholds" in result:
            told = chances >= np.array([*result["thresholds"].values()])
            right = [set(np.flatnonzero(row)) == set(label) for row, label in zip(told, rows["label"], strict=True)]
            named = [set(a) == set(b) for a, b in zip(rows["predicted_class"], rows["true_class"], strict=True)]
        else:
            right = chances.argmax(axis=1) == rows["label"]
            named = [a == b for a, b in zip(rows["predicted_class"], rows["true_class"], strict=True)]
            assert np.allclose(chances.sum(axis=1), 1, atol=1e-5)
        assert list(right) == named
        assert math.isclose(np.mean(right), result["metrics"][f"{name}/accuracy"], abs_tol=1e-6)
    assert len(predictions[predictions["set"] == "test"]) == np.sum(result["confusion"]) or "thresholds" in result
