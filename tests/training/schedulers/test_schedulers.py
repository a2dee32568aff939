"""Every schedule returns a factor on the learning rate from the progress of the run, 0 to 1."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

from frostline.training.schedulers.constant import Constant
from frostline.training.schedulers.cosine import CosineDecay
from frostline.training.schedulers.linear_warmup import LinearWarmup
from frostline.training.schedulers.slanted_triangular import SlantedTriangular
from parts import choices, part

Schedule = Callable[[float], float]
PLACES = [i / 200 for i in range(201)]


@pytest.fixture(params=choices("scheduler"))
def schedule(request: pytest.FixtureRequest) -> Schedule:
    made: Schedule = part("scheduler", request.param)
    return made


def test_a_factor_lies_between_0_and_1(schedule: Schedule) -> None:
    assert all(0 <= schedule(place) <= 1 for place in PLACES)


def test_only_the_ends_may_be_zero(schedule: Schedule) -> None:
    assert all(schedule(place) > 0 for place in PLACES[1:-1])


def test_a_schedule_reaches_the_base_rate(schedule: Schedule) -> None:
    assert max(schedule(place) for place in PLACES) == pytest.approx(1, abs=0.01)


def test_a_schedule_depends_on_progress_alone(schedule: Schedule) -> None:
    assert [schedule(place) for place in PLACES] == [schedule(place) for place in reversed(PLACES)][::-1]


def test_a_schedule_has_no_jumps(schedule: Schedule) -> None:
    assert all(abs(schedule(a) - schedule(b)) < 0.1 for a, b in itertools.pairwise(PLACES))


@pytest.mark.parametrize("kind", [Constant, CosineDecay, LinearWarmup])
def test_warm_up_is_a_straight_line_from_zero_to_one(kind: Callable[[float], Schedule]) -> None:
    for warmup in (0.06, 0.5, 1.0):
        for share in (0.0, 0.25, 0.5, 1.0):
            assert kind(warmup)(warmup * share) == pytest.approx(share)


@pytest.mark.parametrize(("steps", "warm"), [(100, 6), (50, 0), (10, 9)])
def test_linear_warmup_is_that_of_transformers(steps: int, warm: int) -> None:
    assert [LinearWarmup(warm / steps)(i / steps) for i in range(steps + 1)] == pytest.approx(
        reference(get_linear_schedule_with_warmup, steps, warm), abs=1e-9
    )


@pytest.mark.parametrize(("steps", "warm"), [(100, 6), (50, 0), (10, 9)])
def test_cosine_is_that_of_transformers(steps: int, warm: int) -> None:
    assert [CosineDecay(warm / steps)(i / steps) for i in range(steps + 1)] == pytest.approx(
        reference(get_cosine_schedule_with_warmup, steps, warm), abs=1e-9
    )


def reference(make: Callable[..., torch.optim.lr_scheduler.LambdaLR], steps: int, warm: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer, num_warmup_steps=warm, num_training_steps=steps)
    learning_rates = []
    for _ in range(steps + 1):
        learning_rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return learning_rates


def test_cosine_is_half_a_cosine() -> None:
    assert [CosineDecay()(x) for x in (0, 1 / 3, 0.5, 2 / 3, 1)] == pytest.approx([1, 0.75, 0.5, 0.25, 0])
    assert CosineDecay(0.5)(0.75) == pytest.approx(0.5 * (1 + math.cos(math.pi / 2)))


@pytest.mark.parametrize(("steps", "cut_frac", "ratio"), [(100, 0.1, 32), (60, 0.25, 10)])
def test_slanted_triangular_is_the_paper_s_formula(steps: int, cut_frac: float, ratio: float) -> None:
    cut = math.floor(steps * cut_frac)
    for t in range(steps + 1):
        p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / cut_frac - 1))
        expected = (1 + p * (ratio - 1)) / ratio
        assert SlantedTriangular(cut_frac, ratio)(t / steps) == pytest.approx(expected, abs=1e-12)


def test_constant_stays_constant() -> None:
    assert {Constant()(place) for place in PLACES} == {1.0}
    assert {Constant(0.5)(place) for place in PLACES if place >= 0.5} == {1.0}
