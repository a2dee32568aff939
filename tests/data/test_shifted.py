"""Shifted test sets by name: loaded as sources of their own, scored after training, told in the record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command_line import Command, in_process
from frostline.data.corpus import Labelled, RawData
from frostline.data.datasets.vader import Vader
from frostline.data.prepare import prepare
from frostline.data.shifted import shift
from frostline.errors import UserError
from record import assert_full

frostline = in_process
FEW = [f"dataset.{size}" for size in ("max_train=64", "max_val=32", "max_test=50", "max_length=16", "batch_size=16")]
LIGHT = [*FEW, "trainer.max_epochs=2", "logger=csv", "freezing=frozen"]
Go = Callable[..., dict[str, Any]]


def test_each_shift_is_scored_under_its_name(frostline: Command, tmp_path: Path) -> None:
    said = frostline("dataset.shifts=[vader_tweets,vader_nyt]", *LIGHT)
    assert said.status == 0, said.err
    result = assert_full(tmp_path / said.out.splitlines()[-1].removeprefix("results: "))
    for name in ("test", "test_vader_tweets", "test_vader_nyt"):
        assert {f"{name}/{score}" for score in ("accuracy", "f1_macro", "ece", "loss")} <= set(result["metrics"])
    assert sum(map(sum, result["confusion"])) == 50, "the confusion is of the home test"


def test_a_shift_s_scores_are_those_of_its_data_set_as_home_test(go: Go) -> None:
    """The same weights, reached without learning, on the same texts."""
    untrained = ["freezing=direct", *FEW]
    shifted = go("dataset.shifts=[vader_tweets]", *untrained)["metrics"]
    at_home = go("dataset=vader_tweets", *untrained)["metrics"]
    own = {name: value for name, value in at_home.items() if name.startswith("test/")}
    assert len(own) > 6
    assert {name: shifted[f"test_vader_tweets/{name[5:]}"] for name in own} == pytest.approx(own)


def test_the_record_tells_the_texts_of_each_shift(go: Go) -> None:
    found = go("dataset.shifts=[vader_nyt]", "freezing=direct", *FEW)
    data = json.loads((found["folder"] / "environment.json").read_text())["data"]
    own = prepare(Vader("nyt").load(), max_test=50)
    assert data["shifts"] == {"test_vader_nyt": data["shifts"]["test_vader_nyt"]}
    assert data["shifts"]["test_vader_nyt"]["texts"] == len(own.test) == 50
    assert len(data["shifts"]["test_vader_nyt"]["fingerprint"]) == 64


def test_shifts_change_no_home_score_and_make_another_run(go: Go) -> None:
    words = ["freezing=frozen", "trainer.min_steps=null", *FEW]
    plain, more = go(*words), go(*words, "dataset.shifts=[vader_amazon]")
    assert plain["id"] != more["id"]
    assert plain["metrics"].items() <= more["metrics"].items()


def test_a_data_set_of_one_s_own_can_be_a_shift_and_part_of_the_id(job: Any, go: Go, tmp_path: Path) -> None:
    words = {"good": "positive", "bad": "negative", "so": "neutral"}
    rows = [f"it is {word} number {i},{label}" for i in range(12) for word, label in words.items()]
    (tmp_path / "mine.csv").write_text("\n".join(["text,label", *rows]))
    own = tmp_path / "conf" / "dataset" / "lab" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("defaults:\n  - /dataset/table@_here_\n  - _self_\ntrain: mine.csv\ntest_share: 0.5\n")
    command = ["--config-dir", "conf", "dataset.shifts=[lab/mine]"]
    first = job(*command)
    assert first.config["dataset"]["shifted"]["lab/mine"]["train"] == "mine.csv"
    own.write_text(own.read_text().replace("0.5", "0.4"))
    assert job(*command).id != first.id
    assert 0 <= go(*command, "freezing=direct", *FEW)["metrics"]["test_lab_mine/accuracy"] <= 1


def test_texts_that_home_learns_from_are_left_out_and_counted() -> None:
    part = Labelled([f"{label} {i}" for i in range(6) for label in "ab"], list("ab") * 6)
    home = prepare(RawData(part, test=Labelled(["z"], ["a"])))
    other = RawData(part, test=Labelled([home.train.texts[0].upper(), "new", home.val.texts[0]], list("aba")))
    found = shift("other", home, prepare(other))
    assert (found.split.texts, found.dropped) == (["new", home.val.texts[0]], 1)


def test_classes_are_matched_by_name() -> None:
    home = prepare(Vader("tweets").load())
    found = shift("nyt", home, prepare(Vader("nyt").load()))
    own = prepare(Vader("nyt").load()).test
    assert [home.classes[i] for i in found.split.labels] == [home.classes[i] for i in own.labels]


def test_other_classes_are_refused_and_both_shown(frostline: Command, tmp_path: Path) -> None:
    rows = [f"{label} {i},{label}" for i in range(12) for label in ("no", "yes")]
    (tmp_path / "data.csv").write_text("\n".join(["text,label", *rows]))
    said = frostline("dataset=table", "dataset.train=data.csv", "dataset.shifts=[vader_nyt]", *LIGHT)
    assert said.status == 2
    assert (
        "dataset.shifts: vader_nyt has the classes negative, neutral, positive, the data set has no, yes;" in said.err
    )


def test_a_shift_of_which_train_has_every_text_is_refused() -> None:
    texts = [f"{label} {i}" for i in range(6) for label in "ab"]
    part = Labelled(texts, list("ab") * 6)
    home = prepare(RawData(part, test=Labelled(["z"], ["a"])))
    other = prepare(RawData(part, test=Labelled([home.train.texts[0]], [home.classes[home.train.labels[0]]])))
    with pytest.raises(UserError, match="all 1 test texts of other are in train"):
        shift("other", home, other)


def test_the_check_tells_what_shifts_fetch(frostline: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROSTLINE_CACHE", "nowhere")
    said = frostline("check", "dataset.shifts=[vader_nyt,ha_intents]")
    assert said.status == 0
    assert "will download home-assistant-intents==2026.10.27 (1 MB)" in said.out
    assert said.out.count("vaderSentiment") == 1
