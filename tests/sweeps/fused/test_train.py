"""Runs that were trained together are the runs that each would be alone: scores, best epoch, curves, files, id.

Tests frostline.sweeps.fused.batches, frostline.sweeps.fused.trainer, frostline.sweeps.fused.member,
frostline.sweeps.fused.record, frostline.sweeps.fused.shared_texts.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from test_multi_label_metrics import file  # noqa: F401  # a fixture

from command_line import Command, in_process
from frostline.results.atomic_files import read_json
from frostline.sweeps.fused import train as together
from fused_sweeps import FUSED, SMALL, assert_equals_single_run, results

frostline = in_process
SWEEPS = {
    "rates, decays, seeds": ["optimizer.lr=1e-3,1e-1", "optimizer.weight_decay=0,0.1", "seed=1,2"],
    "heads and optimizers": ["head=mlp", "head.dropout=0,0.4", "optimizer=adamw,sgd", "head.hidden=8,16"],
    "kinds of heads": ["head=linear,cosine,logistic,knn,prototype"],
    "strategies": ["freezing=frozen,direct", "seed=1,2"],
    "sizes, batches, schedules": ["dataset.max_train=60,100", "dataset.batch_size=8,32", "scheduler=cosine,constant"],
    "folds, noise, smoothing": [
        "dataset.folds=5",
        "dataset.fold=0,3",
        "dataset.label_noise=0,0.3",
        "loss.label_smoothing=0,0.2",
    ],
    "epochs and patience": ["trainer.max_epochs=2,9", "trainer.patience=1,null", "optimizer.lr=0.3", "loss=focal"],
    "validations": ["trainer.max_epochs=5", "trainer.check_val_every_n_epoch=2,3", "trainer.monitor=null,val/loss"],
    "balanced, clipped, shifts": [
        "loss.class_weights=null,balanced",
        "trainer.gradient_clip_val=0.01,null",
        "dataset.shifts=[vader_tweets]",
    ],
}
MARKS = {  # test_drawn.py draws from most of what the others sweep over
    "rates, decays, seeds": [],
    "kinds of heads": [],
    "balanced, clipped, shifts": [pytest.mark.slow],
}


@pytest.mark.parametrize(
    "sweep", [pytest.param(name, marks=MARKS.get(name, [pytest.mark.exhaustive])) for name in SWEEPS]
)
def test_each_job_is_as_alone(frostline: Command, sweep: str) -> None:
    words = [*SMALL, *SWEEPS[sweep]]
    said = frostline(*FUSED, *words)
    assert said.status == 0, said.err
    fused = results("fused")
    assert f"{len(fused)} jobs trained together" in said.err
    Path("runs").rename("together")
    assert frostline("-m", "logger=csv", "study=fused", *words).status == 0
    alone = results("fused")
    assert fused.keys() == alone.keys()
    for job, run in alone.items():
        beside = Path("together").joinpath(*fused[job].parts[1:])
        assert_equals_single_run(beside, run)
        assert read_json(beside / "environment.json")["together"] == len(fused)
        assert "together" not in read_json(run / "environment.json")


@pytest.mark.slow
def test_runs_over_several_labels_a_text_are_each_as_alone(frostline: Command, file: str) -> None:  # noqa: F811
    """With the thresholds that each would have chosen."""
    words = [*file.split(), *SMALL, "optimizer.lr=1e-3,1e-1", "head=linear,mlp"]
    said = frostline(*FUSED, *words)
    assert said.status == 0, said.err
    assert "4 jobs trained together" in said.err
    fused = results("fused")
    Path("runs").rename("together")
    assert frostline("-m", "logger=csv", "study=fused", *words).status == 0
    for job, run in results("fused").items():
        assert read_json(run / "result.json")["thresholds"].keys() == {
            "long",
            "loud",
            "negative",
            "neutral",
            "positive",
        }
        assert_equals_single_run(Path("together").joinpath(*fused[job].parts[1:]), run)


def test_texts_that_come_later_are_encoded_for_what_they_are(
    frostline: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each job is begun when the one before has ended, and brings more texts of the same split."""
    monkeypatch.setattr(together, "MAX_OPEN_RUNS", 1)
    words = [*SMALL, "dataset.max_train=40,60,80"]
    assert frostline(*FUSED, *words).status == 0
    fused = results("fused")
    Path("runs").rename("together")
    assert frostline("-m", "logger=csv", "study=fused", *words).status == 0
    for job, run in results("fused").items():
        assert_equals_single_run(Path("together").joinpath(*fused[job].parts[1:]), run)
