"""A plan is a value: strategies' phases held against a model's parameters."""

from __future__ import annotations

import math

import pytest

from frostline.errors import UserError
from frostline.freezing import table as plan_text
from frostline.freezing.plan import Block, Kind, Parameter, Phase, Plan, Rule, patterns_of
from frostline.freezing.resolve import resolve_phases
from frostline.freezing.strategies.rules import rules


def block(name: str, kind: Kind, **sizes: int) -> Block:
    return Block(name, kind, tuple(Parameter(f"{name}.{inner}", size) for inner, size in sizes.items()))


BLOCKS = (
    block("encoder.embeddings", "embeddings", words=100, norm=4),
    block("encoder.layer.0", "layer", weight=16, bias=4),
    block("encoder.layer.1", "layer", weight=16, bias=4),
    block("encoder.final", "final"),
    block("pooler", "pooler"),
    block("head", "head", weight=12, bias=3),
)
NAMES = [p.name for b in BLOCKS for p in b.parameters]
PROBE = Phase("probe", (("head.*", 1.0), ("*", None)))
TUNE = Phase("tune", (("*", 0.1),))


def phase(*rules: Rule, epochs: int | None = None, name: str = "one") -> Phase:
    return Phase(name, rules, epochs)


def told(*phases: Phase, epochs: int = 3) -> list[str]:
    with pytest.raises(UserError) as caught:
        resolve_phases(phases, BLOCKS, epochs)
    assert caught.value.status == 2
    return [str(problem) for problem in caught.value.problems]


def spans(*lengths: int | None, epochs: int) -> list[tuple[int, int]]:
    phases = [phase(("*", 1.0), epochs=length, name=str(i)) for i, length in enumerate(lengths)]
    return [(p.start, p.end) for p in resolve_phases(phases, BLOCKS, epochs).phases]


# Rules


def test_the_first_rule_that_matches_wins() -> None:
    (only,) = resolve_phases(
        [phase(("encoder.layer.1.bias", None), ("encoder.layer.*", 0.5), ("*.bias", 2.0), ("*", 1.0))], BLOCKS, 3
    ).phases
    assert only.multipliers == {
        "encoder.embeddings.words": 1.0,
        "encoder.embeddings.norm": 1.0,
        "encoder.layer.0.weight": 0.5,
        "encoder.layer.0.bias": 0.5,
        "encoder.layer.1.weight": 0.5,
        "encoder.layer.1.bias": None,
        "head.weight": 1.0,
        "head.bias": 2.0,
    }


def test_a_plan_holds_a_multiplier_for_every_parameter_of_every_phase() -> None:
    plan = resolve_phases([phase(("*", 1.0), epochs=1), PROBE], BLOCKS, 3)
    assert [list(p.multipliers) for p in plan.phases] == [NAMES, NAMES]


def test_a_parameter_that_no_rule_covers_is_an_error() -> None:
    assert told(phase(("head.*", 1.0), ("encoder.layer.*", None))) == [
        "freezing.phases.one: no rule covers 2 parameters, the first of them 'encoder.embeddings.words'; "
        "end the rules with ['*', null] to freeze the rest"
    ]


def test_a_rule_that_matches_nothing_is_an_error() -> None:
    assert told(phase(("encoder.layer.11.*", 1.0), ("*", None))) == [
        "freezing.rules: 'encoder.layer.11.*' matches no parameter; "
        "names look like 'encoder.embeddings.words' and 'head.bias'"
    ]


def test_letters_case_counts() -> None:
    (problem,) = told(phase(("HEAD.*", 1.0), ("*", None)))
    assert problem.startswith("freezing.rules: 'HEAD.*' matches no parameter")


@pytest.mark.parametrize("multiplier", [0.0, -1.0, math.inf, -math.inf, math.nan])
def test_a_multiplier_is_above_zero_and_finite(multiplier: float) -> None:
    assert told(phase(("*", multiplier))) == [
        f"freezing.phases.one: '*' has the multiplier {multiplier}; give a number above 0, or null to freeze"
    ]


def test_all_problems_are_told_at_once() -> None:
    problems = told(
        phase(("nothing", 1.0), ("head.*", 0.0), epochs=9, name="first"), phase(("head.*", -1.0), name="second")
    )
    assert [problem.split(";")[0] for problem in problems] == [
        "trainer.max_epochs: 3 epochs cannot hold phases that need 10",
        "freezing.rules: 'nothing' matches no parameter",
        "freezing.phases.first: 'head.*' has the multiplier 0.0",
        "freezing.phases.first: no rule covers 6 parameters, the first of them 'encoder.embeddings.words'",
        "freezing.phases.second: 'head.*' has the multiplier -1.0",
        "freezing.phases.second: no rule covers 6 parameters, the first of them 'encoder.embeddings.words'",
    ]


# Lengths


def test_an_open_phase_takes_what_the_others_leave() -> None:
    assert spans(None, epochs=3) == [(0, 3)]
    assert spans(2, None, epochs=7) == [(0, 2), (2, 7)]
    assert spans(None, 1, epochs=4) == [(0, 3), (3, 4)]


def test_open_phases_share_what_is_left_and_earlier_ones_get_the_odd_epochs() -> None:
    assert spans(None, None, None, epochs=8) == [(0, 3), (3, 6), (6, 8)]
    assert spans(None, 2, None, epochs=5) == [(0, 2), (2, 4), (4, 5)]


def test_a_run_too_short_for_its_phases_is_an_error() -> None:
    problems = told(phase(("*", 1.0), epochs=2), TUNE, PROBE, epochs=3)
    assert problems == [
        "trainer.max_epochs: 3 epochs cannot hold phases that need 4; "
        "set trainer.max_epochs to 4 or more, or shorten a phase"
    ]


def test_a_run_longer_than_all_its_phases_is_an_error() -> None:
    assert told(phase(("*", 1.0), epochs=2), epochs=3) == [
        "trainer.max_epochs: 3 epochs, but the phases fill 2; "
        "leave the length of one phase open (null), or set trainer.max_epochs to their sum"
    ]


def test_a_plan_has_a_phase() -> None:
    assert told() == ["freezing.phases: there are none; give at least one"]


def test_a_run_of_no_epochs_has_empty_phases() -> None:
    assert spans(None, epochs=0) == [(0, 0)]
    assert spans(10, None, epochs=0) == [(0, 0), (0, 0)]


def test_an_epoch_belongs_to_one_phase_and_later_ones_to_the_last() -> None:
    plan = resolve_phases([phase(("*", 1.0), epochs=2), PROBE, TUNE], BLOCKS, 6)
    assert [(p.start, p.end) for p in plan.phases] == [(0, 2), (2, 4), (4, 6)]
    assert [plan.index_at(epoch) for epoch in range(8)] == [0, 0, 1, 1, 2, 2, 2, 2]


def test_epochs_of_a_run_without_any_belong_to_the_last_phase() -> None:
    assert resolve_phases([phase(("*", 1.0), epochs=2), TUNE], BLOCKS, 0).index_at(0) == 1


# What a plan says


def line(*rules: Rule) -> int:
    return resolve_phases([phase(*rules)], BLOCKS, 1).phases[0].frost_line


def test_the_frost_line_is_the_number_of_lowest_blocks_in_which_nothing_learns() -> None:
    assert line(("*", 1.0)) == 0
    assert line(("encoder.embeddings.*", None), ("*", 1.0)) == 1
    assert line(("encoder.layer.1.bias", 1.0), ("*", None)) == 2
    assert line(("encoder.embeddings.norm", 1.0), ("*", None)) == 0
    assert line(("head.*", 1.0), ("*", None)) == 5  # final and pooler are empty
    assert line(("*", None)) == len(BLOCKS)


def test_each_phase_has_its_own_frost_line() -> None:
    assert [p.frost_line for p in resolve_phases([phase(("*", None), epochs=1), PROBE, TUNE], BLOCKS, 3).phases] == [
        6,
        5,
        0,
    ]


def test_numbers_that_learn_are_counted_in_a_phase_and_at_any_time() -> None:
    plan = resolve_phases(
        [phase(("head.*", 1.0), ("*", None), epochs=1), phase(("encoder.layer.*", 1.0), ("*", None))], BLOCKS, 2
    )
    assert [plan.trainable(p) for p in plan.phases] == [15, 40]
    assert plan.ever_trainable == 55
    assert plan.ever_trains("head.bias")
    assert not plan.ever_trains("encoder.embeddings.words")


def test_below_gives_globs_of_blocks_that_have_parameters() -> None:
    assert patterns_of(BLOCKS, "final", "pooler", "head") == ["head.*"]
    assert patterns_of(BLOCKS, "embeddings", "layer") == [
        "encoder.embeddings.*",
        "encoder.layer.0.*",
        "encoder.layer.1.*",
    ]


# As text

LP_FT = [
    phase(("head.*", 1.0), ("*", None), epochs=2, name="probe"),
    Phase("tune", (("encoder.layer.1.bias", 0.5), ("encoder.embeddings.*", None), ("*", 0.05)), restart=True),
]
TABLE = """\
phase  epochs  emb  0     1  head  trainable  frost line
probe  1-2     ·    ·     ·  1     15         5 of 6
tune   3       ·    0.05  *  0.05  55         1 of 6
55 of 159 parameters are trainable in at least one phase
* parameters of this block differ: some are frozen, or their multipliers are not the same"""


def test_a_plan_is_a_table() -> None:
    assert plan_text.plan_table(resolve_phases(LP_FT, BLOCKS, 3)) == TABLE


def test_a_run_of_no_epochs_shows_no_epochs() -> None:
    assert plan_text.plan_table(resolve_phases([phase(("*", None), name="direct")], BLOCKS, 0)).splitlines()[1:] == [
        "direct  -       ·    ·  ·  ·     0          6 of 6",
        "0 of 159 parameters are trainable in at least one phase",
    ]


def test_where_nothing_learns_no_epoch_is_told_and_a_solved_head_is() -> None:
    above = [*BLOCKS[:-1], Block("head", "head", ())]
    assert plan_text.plan_table(
        resolve_phases([phase(("*", None), name="probe")], above, 3), fitted_head=True
    ).splitlines() == [
        "phase  epochs  emb  0  1  head    trainable  frost line",
        "probe  -       ·    ·  ·  fitted  0          6 of 6",
        "0 of 144 parameters are trainable in at least one phase",
    ]


@pytest.mark.parametrize(
    ("phases", "epochs"),
    [
        (LP_FT, 3),
        ([PROBE], 20),
        ([TUNE, PROBE, TUNE], 7),
        (LP_FT, 0),
        ([phase(("*", None))], 0),
        ([phase(("*.bias", 1 / 3), ("*", None))], 2),
    ],
)
def test_a_plan_written_as_rules_and_read_back_is_the_same_plan(phases: list[Phase], epochs: int) -> None:
    plan: Plan = resolve_phases(phases, BLOCKS, epochs)
    assert resolve_phases(rules(BLOCKS, plan_text.plan_rules(plan)), BLOCKS, epochs) == plan


def test_rules_name_blocks_where_their_parameters_agree() -> None:
    assert plan_text.plan_rules(resolve_phases(LP_FT, BLOCKS, 3))[1] == {
        "name": "tune",
        "epochs": 1,
        "restart": True,
        "rules": [
            ["encoder.embeddings.*", None],
            ["encoder.layer.0.*", 0.05],
            ["encoder.layer.1.weight", 0.05],
            ["encoder.layer.1.bias", 0.5],
            ["head.*", 0.05],
        ],
    }
