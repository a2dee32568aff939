"""Which jobs of a sweep are trained together, why others are not, and a sweep in which none can be."""

from __future__ import annotations

import pytest

from frostline.config.fusable import fusable_groups, reason_against_fusing
from frostline.config.jobs import jobs_of_command
from frostline.errors import UserError

FROZEN = ["freezing=frozen"]


def grouped(*words: str) -> list[tuple[list[int], str | None]]:
    return [
        (group.indices, group.reason)
        for group in fusable_groups([job.config for job in jobs_of_command(["-m", *words])])
    ]


def test_what_stands_above_the_encoder_may_differ() -> None:
    words = [
        "head=linear,mlp",
        "optimizer=adamw,sgd",
        "seed=1,2",
        "dataset.max_train=50,null",
        "trainer.max_epochs=2,3",
    ]
    assert grouped(*FROZEN, *words) == [(list(range(32)), None)]


@pytest.mark.parametrize(
    "words",
    [
        ["encoder=bert_tiny,minilm"],
        ["pooler=mean,cls"],
        ["dataset=vader_movies,vader_tweets"],
        ["dataset.max_length=32,64"],
        ["cache.dtype=float32,float16"],
    ],
)
def test_what_the_encoder_gives_must_be_the_same(words: list[str]) -> None:
    assert grouped(*FROZEN, *words, "seed=1,2") == [([0, 1], None), ([2, 3], None)]


def test_an_encoder_that_the_seed_draws_is_shared_by_runs_with_that_seed() -> None:
    assert grouped(*FROZEN, "encoder=scratch", "seed=1,2", "head.dropout=0,0.1") == [([0, 1], None), ([2, 3], None)]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["freezing=full"], "more than the head is trained"),
        (["freezing=lp_ft"], "more than the head is trained"),
        (["freezing=frozen", "pooler=attention"], "more than the head is trained"),
        (["freezing=frozen", "regularizer=rdrop", "head.dropout=0.1"], "it has regularizer=rdrop"),
        (["freezing=frozen", "averaging=ema"], "it has averaging=ema"),
        (["freezing=frozen", "trainer.accumulate_grad_batches=2"], "trainer.accumulate_grad_batches is 2"),
        (["freezing=frozen", "trainer=ddp"], "it may have several processes"),
        (["freezing=direct", "head=likelihood", "encoder=smollm2"], "the head runs the encoder"),
    ],
)
def test_others_are_trained_by_themselves(words: list[str], why: str) -> None:
    [job] = jobs_of_command(words)
    assert reason_against_fusing(job.config) == why


def test_what_is_begun_goes_on_by_itself() -> None:
    configs = [job.config for job in jobs_of_command(["-m", *FROZEN, "seed=1,2,3"])]
    assert [(group.indices, group.reason) for group in fusable_groups(configs, [1])] == [
        ([0, 2], None),
        ([1], "it was interrupted before"),
    ]


def test_a_fused_sweep_with_nothing_to_fuse_is_refused() -> None:
    with pytest.raises(UserError) as error:
        jobs_of_command(["-m", "hydra/launcher=fused", "freezing=full,frozen"])
    assert "hydra/launcher: 'fused', but no two jobs can be trained together" in str(error.value.problems[0])
    assert "more than the head is trained" in str(error.value.problems[0])
