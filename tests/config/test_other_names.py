"""Names of settings in other libraries are refused with the overrides that do the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from frostline.config import jobs as command
from frostline.config.other_names import OTHER_NAMES
from frostline.errors import UserError

VALUES = {  # a value that the override accepts; 2 for all others
    **dict.fromkeys(("lora_dropout", "label_smoothing_factor", "test_size", "validation_fraction"), "0.1"),
    **dict.fromkeys(("model", "model_name"), "minilm"),
    **dict.fromkeys(("model_name_or_path", "pretrained_model_name_or_path"), "folder"),
    **dict.fromkeys(("train_file", "validation_file", "test_file"), "texts.csv"),
    "metric_for_best_model": "accuracy",
    "output_dir": "results",
}
CASES = [
    (name, value)
    for name, remedy in OTHER_NAMES.items()
    for value in (remedy if isinstance(remedy, Mapping) else [VALUES.get(name, "2")])
]


def remedy(*words: str) -> str:
    with pytest.raises(UserError) as caught:
        command.jobs_of_command(list(words))
    (problem,) = caught.value.problems
    assert problem.what == "no such key"
    return problem.do


@pytest.mark.parametrize(("name", "value"), CASES)
def test_the_overrides_of_the_message_are_accepted(name: str, value: str) -> None:
    do = remedy(f"+{name}={value}")
    assert remedy(f"trainer.{name}={value}") == do
    Path("texts.csv").write_text("text,label\n" + "good,a\nbad,b\nfine,a\npoor,b\n" * 9)
    overrides = re.findall(r"[\w/]+(?:\.\w+)*=[^\s,]+", do.partition(", or ")[0])
    assert overrides or "=" not in do
    usable = [word.replace("TRAIN", "texts.csv").replace("EPOCHS", "2") for word in overrides]
    usable += ["adapter=lora"] if any(word.startswith("adapter.") for word in usable) else []
    usable = [word for word in usable if not word.startswith("dataset.fold=")]
    if name in ("model_name_or_path", "pretrained_model_name_or_path"):
        assert usable == ["encoder=hub", f"encoder.name={value}"]
    elif name == "n_splits":
        assert usable == ["dataset.folds=2"]
    elif usable:
        assert command.jobs_of_command(usable)


@pytest.mark.parametrize("key", ["dataset.batch_size", "optimizer.lr", "trainer.max_epochs", "trainer.monitor"])
def test_keys_that_a_sentence_names_are_keys_of_the_config(key: str) -> None:
    group, _, name = key.partition(".")
    [job] = command.jobs_of_command([])
    assert name in job.config[group]


def test_a_value_that_cannot_be_carried_over_is_not() -> None:
    assert remedy("lr_scheduler_type=polynomial") == (
        "use scheduler=linear_warmup or scheduler=cosine or scheduler=constant"
    )
    assert remedy("adapter.rank=8") == "use adapter=lora adapter.r=8"
    assert remedy("learning_rate=1e-4") == "use optimizer.lr=1e-4"
    assert remedy("load_best_model_at_end=true").startswith("the best epoch by trainer.monitor is always used")


def test_an_experiment_is_helped_too(own_folder: None) -> None:
    file = Path("experiments/lab/arm.yaml")
    file.parent.mkdir(parents=True)
    file.write_text("# @package _global_\n# An arm\nlearning_rate: 0.001\ntrainer:\n  num_train_epochs: 4\n")
    with pytest.raises(UserError) as caught:
        command.jobs_of_command(["experiment=lab/arm"])
    assert [str(problem) for problem in caught.value.problems] == [
        "learning_rate: no such key; use optimizer.lr=0.001",
        "trainer.num_train_epochs: no such key; use trainer.max_epochs=4",
    ]
