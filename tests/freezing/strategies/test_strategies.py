"""Every strategy: a pure function from blocks to phases that fit the model."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest

from frostline.errors import UserError
from frostline.freezing.adaptive import AdaptivePlan, PhaseController
from frostline.freezing.plan import Block, Kind, Parameter, Phase, Plan
from frostline.freezing.resolve import resolve_phases
from frostline.freezing.strategies.lp_ft import lp_ft
from frostline.freezing.strategies.rules import rules
from frostline.freezing.strategies.top_k import top_k
from frostline.instantiate import make
from frostline.models.build import build_model
from parts import choices, config, plan_of

EPOCHS = 15


def block(name: str, kind: Kind, *inner: str) -> Block:
    return Block(name, kind, tuple(Parameter(f"{name}.{word}", 5) for word in inner))


def model(layers: int = 12, final: bool = True, pooler: bool = True) -> list[Block]:
    """Blocks as `find_blocks` gives them; layer 1 must not be taken for layer 10."""
    return [
        block("encoder.embeddings", "embeddings", "words.weight", "norm.bias"),
        *(block(f"encoder.layer.{i}", "layer", "dense.weight", "dense.bias") for i in range(layers)),
        *([block("encoder.final", "final", "weight")] if final else []),
        block("pooler", "pooler", *(["query"] if pooler else [])),
        block("head", "head", "out.weight", "out.bias"),
    ]


ONE = "freezing.phases=[{name: one, rules: [['head.*', 1.0], ['*', null]]}]"
NEEDS = {"rules": [ONE], "schedule": [ONE]}
SHAPES = {"12 layers": model(), "2 layers, no more": model(2, final=False, pooler=False)}


@pytest.fixture(params=choices("freezing"))
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def strategy(name: str, blocks: list[Block], *overrides: str) -> tuple[tuple[Phase, ...], PhaseController | None]:
    found: Any = make(config("freezing", name, *NEEDS.get(name, []), *overrides), blocks=blocks)
    return (found.phases, found.controller) if isinstance(found, AdaptivePlan) else (found, None)


def phases_of(name: str, blocks: list[Block], *overrides: str) -> tuple[Phase, ...]:
    return strategy(name, blocks, *overrides)[0]


def plan(name: str, blocks: list[Block], *overrides: str, epochs: int = EPOCHS) -> Plan:
    phases, controller = strategy(name, blocks, *overrides)
    return resolve_phases(phases, blocks, epochs, controller.phase_start if controller else None)


def learning(plan: Plan, index: int = 0) -> list[str]:
    return [p.name for p in plan.parameters if plan.phases[index].trains(p.name)]


def named(blocks: list[Block], *patterns: str) -> list[str]:
    return [p.name for b in blocks for p in b.parameters if any(fnmatchcase(p.name, pattern) for pattern in patterns)]


# The contract


@pytest.mark.parametrize("blocks", SHAPES.values(), ids=SHAPES)
def test_phases_fit_the_model(name: str, blocks: list[Block]) -> None:
    """Every parameter is covered, every rule matches, and the phases fill the run; if training decides, each may."""
    found = plan(name, blocks)
    everything = named(blocks, "*")
    assert all(list(phase.multipliers) == everything for phase in found.phases)
    edges = [(phase.start, phase.end) for phase in found.phases]
    assert edges[0][0] == 0 and edges[-1][1] == EPOCHS
    if any(phase.when for phase in found.phases):
        assert set(edges) == {(0, EPOCHS)}
        return
    assert all(before[1] == after[0] for before, after in itertools.pairwise(edges))
    assert all(start < end for start, end in edges)


def test_the_same_blocks_give_the_same_phases(name: str) -> None:
    assert phases_of(name, model()) == phases_of(name, model())


def test_blocks_are_left_as_they_are(name: str) -> None:
    given = model()
    phases_of(name, given)
    assert given == model()


def test_phases_have_names_that_tell_them_apart(name: str) -> None:
    names = [phase.name for phase in phases_of(name, model())]
    assert len(set(names)) == len(names) and all(names)


def test_a_strategy_says_which_rate_and_how_many_epochs_suit_it(name: str, job: Callable[..., Any]) -> None:
    """And its plan is valid with them."""
    found = job(f"freezing={name}", *NEEDS.get(name, []))
    recommended = found.config["freezing"]["recommended"]
    assert recommended["lr"] > 0 and recommended["epochs"] >= 0
    assert found.config["optimizer"]["lr"] == recommended["lr"]
    assert found.config["trainer"]["max_epochs"] == recommended["epochs"]
    plan(name, model(), epochs=recommended["epochs"])


def test_a_strategy_fits_the_shapes_of_a_real_encoder(name: str, job: Callable[..., Any]) -> None:
    found = job(f"freezing={name}", *NEEDS.get(name, []))
    blocks, _ = build_model(found.config, classes=["a", "b", "c"], weights=False)
    assert plan_of(found.config, blocks).parameters


# What each one says


@pytest.mark.parametrize("blocks", SHAPES.values(), ids=SHAPES)
def test_direct_lets_nothing_learn(blocks: list[Block]) -> None:
    assert plan("direct", blocks).ever_trainable == 0
    assert plan("direct", blocks).phases[0].frost_line == len(blocks)


@pytest.mark.parametrize("blocks", SHAPES.values(), ids=SHAPES)
def test_frozen_lets_what_stands_above_the_encoder_learn_alone(blocks: list[Block]) -> None:
    assert learning(plan("frozen", blocks)) == named(blocks, "pooler.*", "head.*")


@pytest.mark.parametrize("blocks", SHAPES.values(), ids=SHAPES)
def test_full_lets_everything_learn_at_the_base_rate(blocks: list[Block]) -> None:
    assert set(plan("full", blocks).phases[0].multipliers.values()) == {1.0}
    assert plan("full", blocks).phases[0].frost_line == 0


def test_top_k_lets_the_k_highest_layers_learn_and_all_above_them() -> None:
    found = plan("top_k", model(), "freezing.k=2")
    above = ["encoder.layer.10.*", "encoder.layer.11.*", "encoder.final.*", "pooler.*", "head.*"]
    assert learning(found) == named(model(), *above)
    assert found.phases[0].frost_line == 11
    assert learning(plan("top_k", SHAPES["2 layers, no more"])) == named(model(2), "encoder.layer.1.*", "head.*")


def test_top_k_of_all_layers_leaves_the_embeddings_frozen() -> None:
    assert learning(plan("top_k", model(2), "freezing.k=2")) == [
        name for name in named(model(2), "*") if not name.startswith("encoder.embeddings")
    ]


def test_top_k_beyond_the_encoder_is_an_error() -> None:
    with pytest.raises(UserError) as caught:
        top_k(model(6), k=7)
    assert str(caught.value.problems[0]) == (
        "freezing.k: 7 blocks requested, the encoder has 6; give 1 to 6, or freezing=full to train the embeddings too"
    )


def test_lp_ft_probes_first_and_then_tunes_everything_at_one_rate() -> None:
    found = plan("lp_ft", model(), "freezing.probe_epochs=4", "freezing.tune_rate=0.1")
    assert [(phase.start, phase.end, phase.restart) for phase in found.phases] == [(0, 4, False), (4, EPOCHS, True)]
    assert learning(found) == named(model(), "pooler.*", "head.*")
    assert set(found.phases[1].multipliers.values()) == {0.1}


def test_lp_ft_in_a_run_too_short_for_two_stages_is_an_error() -> None:
    with pytest.raises(
        UserError, match=r"3 epochs cannot hold phases that need 11; set trainer.max_epochs to 11 or more"
    ):
        resolve_phases(lp_ft(model(), probe_epochs=10), model(), 3)


def test_rules_say_what_the_file_says() -> None:
    given = [
        {"name": "a", "epochs": 2, "rules": [["head.*", 1], ["*", None]]},
        {"restart": True, "rules": [["encoder.layer.1*", 0.5], ["*", 1e-3]]},
    ]
    assert rules(model(), given) == (
        Phase("a", (("head.*", 1.0), ("*", None)), epochs=2),
        Phase("1", (("encoder.layer.1*", 0.5), ("*", 1e-3)), restart=True),
    )


GOOD = [["*", 1.0]]
MALFORMED: list[tuple[Any, str]] = [  # what is given, and what is told of it below the key freezing.phases
    (None, ": there are none; give freezing.file=FILE or list them"),
    ([], ": there are none; give freezing.file=FILE or list them"),
    (["full"], ".0: 'full' is not a phase; write {name, epochs, rules}"),
    ([{"name": "a"}], ".0.rules: there are none; give a list of [glob, multiplier or null]"),
    ([{"rules": []}], ".0.rules: there are none; give a list of [glob, multiplier or null]"),
    ([{"rules": "*"}], ".0.rules: there are none; give a list of [glob, multiplier or null]"),
    ([{"rules": ["*"]}], ".0.rules: '*' is not a rule; write [glob, multiplier or null]"),
    ([{"rules": [["*"]]}], ".0.rules: ['*'] is not a rule; write [glob, multiplier or null]"),
    ([{"rules": [["*", "1"]]}], ".0.rules: ['*', '1'] is not a rule; write [glob, multiplier or null]"),
    ([{"rules": [["*", True]]}], ".0.rules: ['*', True] is not a rule; write [glob, multiplier or null]"),
    ([{"rules": [[1, 1.0]]}], ".0.rules: [1, 1.0] is not a rule; write [glob, multiplier or null]"),
    ([{"rules": GOOD, "epochs": 0}], ".0.epochs: 0 is not a length; give an integer from 1, or null"),
    ([{"rules": GOOD, "epochs": 1.5}], ".0.epochs: 1.5 is not a length; give an integer from 1, or null"),
    ([{"rules": GOOD, "epochs": True}], ".0.epochs: True is not a length; give an integer from 1, or null"),
    ([{"rules": GOOD, "epoch": 3}], ".0.epoch: a phase has no such field; did you mean epochs?"),
    ([{"rules": GOOD, "restart": "no"}], ".0.restart: 'no' is neither true nor false; give one of them"),
    ([{"rules": GOOD, 3: 1}], ".0.3: a phase has no such field; choose one of: name, epochs, restart, rules"),
]


@pytest.mark.parametrize(("phases", "message"), MALFORMED, ids=[message.split(";")[0] for _, message in MALFORMED])
def test_malformed_rules_are_told(phases: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        rules(model(), phases)
    assert [str(problem) for problem in caught.value.problems] == [f"freezing.phases{message}"]


def test_all_malformed_rules_are_told_at_once() -> None:
    given = [{"rules": [["*", "x"]], "epochs": -1}, {"rules": [], "nme": "b"}]
    with pytest.raises(UserError) as caught:
        rules(model(), given)
    assert len(caught.value.problems) == 4
