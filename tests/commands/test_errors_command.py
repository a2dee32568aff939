"""frostline errors: the misclassified texts of a run, from its record and its data.

Tests frostline.commands.errors, frostline.reproduce.misclassified.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from command_line import Command, in_process
from conftest import Go

frostline = in_process
RUN = ["dataset=table", "freezing=direct", "dataset.max_length=16", "trainer=cpu"]


def write_texts(path: str, count: int, multi_label: bool = False) -> pd.DataFrame:
    rows = [{"text": f"{('good', 'bad', 'odd')[n % 3]}\n film\t{n}", "label": "abc"[n % 3]} for n in range(count)]
    if multi_label:
        rows = [{**row, "label": [row["label"], "all"] if n % 2 else []} for n, row in enumerate(rows)]
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return pd.DataFrame(rows)


def printed_rows(frostline: Command, run: Path, *words: str) -> list[dict[str, str]]:
    result = frostline("errors", str(run), "--format", "csv", *words)
    assert result.status == 0, result.err
    return list(csv.DictReader(io.StringIO(result.out)))


def test_each_misclassified_text_is_listed_once_with_its_row(go: Go, frostline: Command) -> None:
    data = write_texts("my.jsonl", 90)
    run = go(*RUN, "dataset.train=my.jsonl")["folder"]
    recorded = pd.read_parquet(run / "predictions.parquet")
    wrong = recorded[recorded["true_class"].astype(str) != recorded["predicted_class"].astype(str)]
    rows = printed_rows(frostline, run)
    assert len(wrong) > 2 and {int(row["row"]) for row in rows} == set(wrong["row"])
    confidences = [float(row["confidence"]) for row in rows]
    assert confidences == sorted(confidences, reverse=True)
    by_id = recorded.set_index("id")
    for row in rows:
        at = by_id.loc[int(row["id"])]
        assert (row["true_class"], row["predicted_class"]) == (at["true_class"], at["predicted_class"])
        assert row["text"] == data["text"][int(row["row"]) - 1]
        p = at[[f"p_{c}" for c in range(3)]].to_numpy(float)
        assert (
            float(row["confidence"]) == pytest.approx(p.max())
            and float(row["p_true"]) == p["abc".index(row["true_class"])]
        )

    text = frostline("errors", str(run), "--top", "1", "--pairs", "1").out
    pairs = wrong.groupby(["true_class", "predicted_class"], observed=True).size().sort_values(ascending=False)
    assert text.startswith(f"{len(wrong)} of {len(recorded)} texts of test are misclassified ({len(wrong) / 18:.1%})\n")
    (true, predicted), count = pairs.index[0], pairs.iloc[0]
    assert count == pairs.max() and f" -> {predicted}: {count} texts\n" in text
    assert text.count(" film ") == 1 and "\t" not in text, "one text, on one line"
    left = f"{len(pairs) - 1} further pair{'s' if len(pairs) > 2 else ''} of classes"
    assert (left in text) == (len(pairs) > 1) and true in text

    columns = ["part", "row", "true_class", "predicted_class"]  # records of earlier versions lack them
    recorded.drop(columns=columns).to_parquet(run / "predictions.parquet")
    assert printed_rows(frostline, run) == rows
    assert "no test set 'val'" in frostline("errors", str(run), "--set", "val").err

    write_texts("my.jsonl", 91)
    changed = frostline("errors", str(run))
    assert changed.status == 2 and "the texts are not those that the run was tested on" in changed.err
    Path("my.jsonl").unlink()
    missing = frostline("errors", str(run))
    assert missing.status == 2 and "no file my.jsonl" in missing.err and "Traceback" not in missing.err


def test_each_wrong_class_of_a_multi_label_text_is_a_mistake(go: Go, frostline: Command) -> None:
    write_texts("my.jsonl", 90, multi_label=True)
    result = go(*RUN, "dataset.train=my.jsonl")
    recorded = pd.read_parquet(result["folder"] / "predictions.parquet")
    true = [set(names) for names in recorded["true_class"]]
    predicted = [set(names) for names in recorded["predicted_class"]]
    expected = {(i, name, "") for i, (a, b) in enumerate(zip(true, predicted, strict=True)) for name in a - b}
    expected |= {(i, "", name) for i, (a, b) in enumerate(zip(true, predicted, strict=True)) for name in b - a}
    rows = printed_rows(frostline, result["folder"])
    assert {(int(row["id"]), row["true_class"], row["predicted_class"]) for row in rows} == expected
    probabilities = recorded.filter(regex=r"^p_\d+$").to_numpy()
    for row in rows:
        p = probabilities[int(row["id"]), result["classes"].index(row["true_class"] or row["predicted_class"])]
        assert np.isclose(float(row["confidence"]), 1 - p if row["true_class"] else p)
    text = frostline("errors", str(result["folder"])).out
    assert f"{sum(a != b for a, b in zip(true, predicted, strict=True))} of {len(true)} texts" in text
    assert "is not predicted: " in text or "is predicted wrongly: " in text


def test_mistakes_of_the_command_are_reported_at_once(frostline: Command) -> None:
    for words in (["--top", "0", "nowhere"], ["--pairs", "x"], [], ["a", "b"]):
        result = frostline("errors", *words)
        assert result.status == 2 and "Traceback" not in result.err
    assert "--top: '0' is no count" in frostline("errors", "--top", "0", "nowhere").err
