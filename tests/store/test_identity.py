"""What people call a run."""

from __future__ import annotations

import pytest

from frostline.store.identity import title

CHOICES = {"freezing": "frozen", "encoder": "bert_tiny", "pooler": "mean", "head": "linear", "dataset": "vader_movies"}
TITLES = [
    ("", "frozen bert_tiny vader_movies s1"),
    ("freezing=frozen dataset=vader_movies seed=1 study=mine sweep=lab/all", "frozen bert_tiny vader_movies s1"),
    ("optimizer.lr=0.01 +head.depth=3", "frozen bert_tiny vader_movies optimizer.lr=0.01 head.depth=3 s1"),
    ("optimizer=sgd ~head.dropout", "frozen bert_tiny vader_movies optimizer=sgd ~head.dropout s1"),
    ("encoder.name=my/model rerun=true", "frozen bert_tiny vader_movies encoder.name=my/model rerun=true s1"),
    (
        "logger=auto logger.project=x paths.runs=y hydra.run.dir=z hydra/launcher=joblib",
        "frozen bert_tiny vader_movies s1",
    ),
]


@pytest.mark.parametrize(("overrides", "expected"), TITLES)
def test_a_title_is_what_matters_and_what_differs(overrides: str, expected: str) -> None:
    assert title({"seed": 1}, CHOICES, overrides.split()) == expected


def test_a_part_that_is_not_the_usual_one_stands_in_a_title() -> None:
    assert title({"seed": 2}, CHOICES | {"head": "mlp"}, []) == "frozen bert_tiny mlp vader_movies s2"
