"""Pairs of texts, such as premise and hypothesis, are tokenized together, truncated evenly and split as one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from frostline.data.corpus import Labelled, RawData
from frostline.data.datasets.hub import Hub
from frostline.data.datasets.table import Table
from frostline.data.datasets.vader import Vader
from frostline.data.prepare import prepare
from frostline.errors import UserError
from parts import part

VERBS = {"moves": "yes", "sleeps": "no"}
ROWS = [(f"a dog runs {i}", f"an animal {verb} {i}", label) for i in range(12) for verb, label in VERBS.items()]
COLUMNS = ["premise", "hypothesis"]


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "pairs.csv"
    pd.DataFrame(ROWS, columns=[*COLUMNS, "label"]).to_csv(path, index=False)
    return str(path)


def told(table: Table) -> list[str]:
    with pytest.raises(UserError) as caught:
        table.load()
    return [str(problem) for problem in caught.value.problems]


def test_a_table_gives_pairs(file: str) -> None:
    raw = Table(file, text_column=COLUMNS).load()
    assert list(raw.train.texts) == [row[:2] for row in ROWS]
    assert Table(file, text_column=["premise"]).load() == Table(file, text_column="premise").load()


def test_a_hub_data_set_gives_pairs(file: str) -> None:
    raw = Hub(str(Path(file).parent), test=None, text_column=COLUMNS).load()
    assert list(raw.train.texts) == [row[:2] for row in ROWS]


def test_pairs_are_split_as_one_and_compared_as_one() -> None:
    pairs = [row[:2] for row in ROWS]
    again, half = ("A dog RUNS 0", "an animal moves 0"), ("a dog runs 0", "something else")
    swapped = (pairs[0][1], pairs[0][0])
    part = Labelled([*pairs, again, half, swapped], [*(row[2] for row in ROWS), "yes", "no", "no"])
    corpus = prepare(RawData(part))
    assert corpus.dropped == {"duplicates": 1}, "half a pair or its parts the other way round is another text"
    held = [set(split.texts) for split in (corpus.train, corpus.val, corpus.test)]
    assert set.union(*held) == {*pairs, half, swapped} and sum(map(len, held)) == len(ROWS) + 2


def test_a_pair_without_either_text_is_refused(file: str, tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS, columns=[*COLUMNS, "label"])
    frame.loc[2, "hypothesis"] = None  # one of the two texts may be empty
    frame.loc[3, COLUMNS] = None
    frame.to_csv(tmp_path / "gap.csv", index=False)
    (problem,) = told(Table(str(tmp_path / "gap.csv"), text_column=COLUMNS))
    assert problem.startswith("dataset.text_column: both texts are empty in 1 of 24 rows of gap.csv (rows 4); fill")


BAD: dict[str, tuple[Any, str]] = {
    "three": (["premise", "hypothesis", "x"], "dataset.text_column: it names 3 columns; name one, or two for pairs"),
    "none": ([], "dataset.text_column: it names 0 columns; name one, or two for pairs of texts"),
    "twice": (["premise", "premise"], "dataset.text_column: it names 'premise' twice; name two columns"),
    "absent": (["premise", "hypotesis"], "dataset.text_column: pairs.csv has no column 'hypotesis'; did you mean hypo"),
    "label": (
        ["premise", "label"],
        "dataset.label_column: 'label' is the text column too; name the column of the labels",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_columns_that_make_no_pairs_are_told(file: str, case: str) -> None:
    columns, message = BAD[case]
    assert message in "\n".join(told(Table(file, text_column=columns)))


def test_both_texts_are_read_and_the_longer_is_cut_first() -> None:
    encoder = part("encoder", "bert_tiny")
    own = encoder.tokenizer
    long, short = " ".join(["dog"] * 30), "two cats"
    (ids,) = encoder.tokenize([(long, short)], 12)
    assert own.decode(ids) == "[CLS] dog dog dog dog dog dog dog [SEP] two cats [SEP]"
    (ids,) = encoder.tokenize([(short, long)], 12)
    assert own.decode(ids) == "[CLS] two cats [SEP] dog dog dog dog dog dog dog [SEP]"


def test_states_of_pairs_are_those_of_the_library_with_segments() -> None:
    encoder = part("encoder", "bert_tiny").eval()
    pairs = [row[:2] for row in ROWS[:5]] + [("short", "a much longer second text than the others have")]
    ids = [torch.tensor(own) for own in encoder.tokenize(pairs, 64)]
    padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=encoder.pad_id)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(own) for own in ids], batch_first=True)
    inputs = encoder.tokenizer(pairs, padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = encoder.model(**inputs).last_hidden_state
        assert torch.equal(inputs["input_ids"], padded)
        assert torch.equal(encoder(padded, mask)[mask.bool()], expected[mask.bool()])
        inputs.pop("token_type_ids")
        assert not torch.equal(encoder.model(**inputs).last_hidden_state, expected), "segments matter to BERT"


def test_a_run_on_pairs_of_real_texts(go: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """Do two sentences of film reviews have the same sentiment?"""
    raw = Vader("movies").load().train
    rows = list(zip(raw.texts[:300], raw.labels[:300], strict=True))
    pairs = [(a, b, "same" if x == y else "other") for (a, x), (b, y) in zip(rows[::2], rows[1::2], strict=True)]
    pd.DataFrame(pairs, columns=[*COLUMNS, "label"]).to_json(tmp_path / "p.jsonl", orient="records", lines=True)
    words = ["dataset=table", "dataset.train=p.jsonl", "dataset.text_column=[premise,hypothesis]"]
    result = go(*words, "dataset.max_length=32", "freezing=top_k", "freezing.k=1", "trainer.max_epochs=1")
    assert 0 <= result["metrics"]["test/accuracy"] <= 1
    assert json.loads((result["folder"] / "environment.json").read_text())["data"]["classes"] == ["other", "same"]
