"""A run has a title for people, and an id that depends on its config but not on where our classes are defined."""

from __future__ import annotations

from typing import Any

import pytest

from frostline.results import identity
from frostline.results.identity import run_id, run_title, without_modules

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
    assert run_title({"seed": 1}, CHOICES, overrides.split()) == expected


def test_a_part_that_is_not_the_usual_one_stands_in_a_title() -> None:
    assert run_title({"seed": 2}, CHOICES | {"head": "mlp"}, []) == "frozen bert_tiny mlp vader_movies s2"


def config(package: str = "frostline.models.heads", **changes: Any) -> dict[str, Any]:
    """A config whose head, data set and converter are defined in the modules of a package."""
    head = {"_target_": f"{package}.linear.Linear", "dropout": 0.0}
    shifted = {"vader_nyt": {"_target_": f"{package}.vader.Vader", "domain": "nyt"}}
    pin = {"file": "model.whl", "convert": f"{package}.onnx.convert_onnx"}
    return {"head": head, "dataset": {"shifted": shifted}, "encoder": {"pin": pin}} | changes


@pytest.mark.parametrize("package", ["frostline", "frostline.models.heads", "frostline.a.b.c"])
def test_the_id_stays_when_our_classes_move_to_other_modules(package: str) -> None:
    assert run_id(config(package)) == run_id(config())
    assert without_modules(without_modules(config(package))) == without_modules(config())


def test_the_id_differs_between_parts_and_between_the_groups_that_they_belong_to() -> None:
    linear, mlp = ({"_target_": f"frostline.models.heads.{name}"} for name in ("linear.Linear", "mlp.Mlp"))
    assert run_id({"head": linear}) != run_id({"head": mlp})
    assert run_id({"head": linear}) != run_id({"pooler": linear})


def test_the_id_differs_between_classes_of_a_user_with_the_same_name_in_two_modules() -> None:
    targets = (
        "lab.first.Linear",
        "lab.second.Linear",
        "frostline.models.heads.linear.Linear",
        "frostline_lab.linear.Linear",
    )
    assert len({run_id({"head": {"_target_": target}}) for target in targets}) == len(targets)


def test_the_id_differs_between_texts_that_only_look_like_dotted_names() -> None:
    files = ("frostline.first.csv", "frostline.second.csv")
    assert len({run_id({"dataset": {"train": file}}) for file in files}) == len(files)


def test_a_key_that_came_later_changes_no_id_while_it_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "ID_DEFAULTS", {"dataset": {"late": False}})
    old = {"dataset": {"train": "a.csv", "shifted": {"other": {"train": "b.csv"}}}, "head": {}}
    new = {"dataset": {"train": "a.csv", "late": False, "shifted": {"other": {"train": "b.csv", "late": False}}}}
    assert run_id(new | {"head": {}}) == run_id(old)
    for changed in (
        new | {"head": {"late": False}},
        {"dataset": new["dataset"] | {"late": True}, "head": {}},
        {"dataset": new["dataset"] | {"late": 0}, "head": {}},
        {"dataset": new["dataset"] | {"shifted": {"other": {"train": "b.csv", "late": True}}}, "head": {}},
    ):
        assert run_id(changed) != run_id(old)
