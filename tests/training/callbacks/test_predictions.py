"""predictions.parquet can be joined to the user's file."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from conftest import Go
from frostline.data.corpus import Origin
from frostline.training.callbacks.predictions import PredictionContext, SplitPredictions, write_predictions

RUN = ["dataset=table", "freezing=direct", "dataset.max_length=16", "trainer=cpu"]


def table(path: str, count: int, multi_label: bool = False) -> pd.DataFrame:
    """Write texts, some of which are repeated or differ in case only."""
    rows = [
        {"text": f"{['Good', 'bad', 'GOOD'][n % 3]} film {n // 2}", "label": f"class {n % 3}"} for n in range(count)
    ]
    if multi_label:
        rows = [{**row, "label": [row["label"], "all"] if n % 2 else []} for n, row in enumerate(rows)]
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return pd.DataFrame(rows)


@pytest.mark.parametrize("multi_label", [False, True])
def test_rows_lead_to_the_texts_of_the_file(go: Go, multi_label: bool) -> None:
    data = table("my.jsonl", 90, multi_label)
    run = go(*RUN, "dataset.train=my.jsonl")
    predictions = pd.read_parquet(run["folder"] / "predictions.parquet")
    assert set(predictions["part"]) == {"train"} and predictions["row"].is_unique
    assert predictions.attrs["classes"] == run["classes"]
    true = data["label"].iloc[predictions["row"] - 1]
    if multi_label:
        assert list(map(sorted, true)) == list(map(sorted, predictions["true_class"]))
    else:
        assert list(true) == list(predictions["true_class"])
        right = (predictions["true_class"].astype(str) == predictions["predicted_class"].astype(str)).mean()
        assert right == pytest.approx(run["metrics"]["test/accuracy"])


def test_a_test_file_is_named_and_a_text_without_origin_has_no_row(tmp_path: Path) -> None:
    index, labels = torch.tensor([0, 2]), torch.tensor([1, 0])
    split = SplitPredictions(index, labels, torch.tensor([[0.2, 0.8], [0.4, 0.6]]))
    origins = {"test": [Origin("test", 5), Origin("test", 6), Origin("val", 7)], "test_other": None}
    context = PredictionContext(["no", "yes"], origins)
    write_predictions(tmp_path / "p.parquet", {"test": split, "test_other": split}, context)
    frame = pd.read_parquet(tmp_path / "p.parquet")
    known, unknown = frame[frame["set"] == "test"], frame[frame["set"] == "test_other"]
    assert list(zip(known["part"], known["row"], strict=True)) == [("test", 5), ("val", 7)]
    assert unknown[["part", "row"]].isna().all(axis=None)
    assert list(known["true_class"]) == ["yes", "no"] and list(known["predicted_class"]) == ["yes", "yes"]
