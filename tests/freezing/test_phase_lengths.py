"""Default lengths of phases are shortened for a short run; every strategy fits the epochs that it is given."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.errors import UserError
from frostline.freezing.phase_lengths import shorten_defaults
from frostline.freezing.plan import Block, Parameter, Phase, Plan
from frostline.freezing.resolve import resolve_phases
from frostline.freezing.strategies.chain_thaw import chain_thaw
from frostline.freezing.strategies.gradual import gradual
from frostline.freezing.strategies.lp_ft import lp_ft
from frostline.results.identity import run_id
from parts import choices

STRATEGIES = {"gradual": gradual, "chain_thaw": chain_thaw, "lp_ft": lp_ft}


def model(layers: int) -> list[Block]:
    kinds = [("encoder.embeddings", "embeddings"), *((f"encoder.layer.{i}", "layer") for i in range(layers))]
    return [Block(name, kind, (Parameter(f"{name}.weight", 1),)) for name, kind in [*kinds, ("head", "head")]]


def plan(name: str, layers: int, epochs: int) -> Plan:
    blocks = model(layers)
    return resolve_phases(STRATEGIES[name](blocks), blocks, epochs)


@given(name=st.sampled_from(sorted(STRATEGIES)), layers=st.integers(1, 30), epochs=st.integers(2, 40))
def test_default_lengths_fit_every_run_of_two_epochs_or_more(name: str, layers: int, epochs: int) -> None:
    short, long = plan(name, layers, epochs), plan(name, layers, 100)
    assert [phase.start for phase in short.phases] == [0, *(phase.end for phase in short.phases[:-1])]
    assert all(phase.end > phase.start for phase in short.phases)
    assert short.phases[-1].end == epochs
    assert {p.name for p in short.parameters if short.ever_trains(p.name)} == {
        p.name for p in long.parameters if long.ever_trains(p.name)
    }
    assert short.phases[0].multipliers == long.phases[0].multipliers  # the head alone
    assert short.phases[-1].multipliers == long.phases[-1].multipliers


@given(layers=st.integers(1, 30), epochs=st.integers(2, 40))
def test_gradual_thaws_and_never_freezes_again(layers: int, epochs: int) -> None:
    trained = [
        {n for n, m in phase.multipliers.items() if m is not None} for phase in plan("gradual", layers, epochs).phases
    ]
    assert all(before < after for before, after in pairwise(trained))
    sizes = [len(after - before) for before, after in pairwise(trained)][:-1]
    assert not sizes or max(sizes) - min(sizes) <= 1  # layers are thawed at regular intervals


@given(layers=st.integers(1, 30), epochs=st.integers(3, 40))
def test_chain_thaw_trains_each_layer_in_one_phase_between_head_and_all(layers: int, epochs: int) -> None:
    middle = plan("chain_thaw", layers, epochs).phases[1:-1]
    for block in model(layers)[:-1]:
        assert sum(phase.trains(block.parameters[0].name) for phase in middle) == 1


@pytest.mark.parametrize(("epochs", "probe"), [(2, 1), (5, 4), (10, 9), (11, 10), (13, 10), (20, 10)])
def test_lp_ft_leaves_an_epoch_for_fine_tuning(epochs: int, probe: int) -> None:
    assert [(phase.start, phase.end) for phase in plan("lp_ft", 2, epochs).phases] == [(0, probe), (probe, epochs)]


@given(lengths=st.lists(st.integers(1, 50), min_size=1, max_size=8), data=st.data())
def test_lengths_are_shortened_in_proportion(lengths: list[int], data: st.DataObject) -> None:
    room = data.draw(st.integers(len(lengths), max(sum(lengths), len(lengths))))
    phases = [Phase(str(i), (("*", 1.0),), length, shrinks=True) for i, length in enumerate(lengths)]
    short = [phase.epochs or 0 for phase in shorten_defaults([*phases, Phase("rest", (("*", 1.0),))], room + 1)[:-1]]
    assert sum(short) == min(room, sum(lengths))
    assert all(1 <= new <= old for new, old in zip(short, lengths, strict=True))
    spare, total = sum(short) - len(short), sum(lengths) - len(lengths)
    if total:
        assert all(abs(new - 1 - (old - 1) * spare / total) < 1 for new, old in zip(short, lengths, strict=True))


@pytest.mark.parametrize("name", choices("freezing"))
def test_check_accepts_five_epochs_for_every_strategy(name: str, job: Callable[..., Any]) -> None:
    given = ["freezing.phases=[{name: one, epochs: 2, rules: [['*', 1]]}, {name: two, rules: [['*', 1]]}]"]
    words = given if name in ("rules", "schedule") else []
    assert job("encoder=minilm", f"freezing={name}", "trainer.max_epochs=5", *words)


def test_lengths_that_the_user_gives_are_never_shortened() -> None:
    for strategy in (gradual(model(6), epochs_per_thaw=1), lp_ft(model(6), probe_epochs=10)):
        with pytest.raises(UserError, match="5 epochs cannot hold phases"):
            resolve_phases(strategy, model(6), 5)


def test_a_default_and_the_length_that_it_stands_for_are_one_run() -> None:
    """They could only differ in a run that refuses the given length."""
    for name, key, value in (("lp_ft", "probe_epochs", 10), ("gradual", "epochs_per_thaw", 1)):
        blocks, given = model(3), {"freezing": {key: value}}
        assert run_id({"freezing": {key: None}}) == run_id(given) != run_id({"freezing": {key: value + 1}})
        default, explicit = STRATEGIES[name](blocks), STRATEGIES[name](blocks, **{key: value})
        assert [phase.epochs for phase in default] == [phase.epochs for phase in explicit]
