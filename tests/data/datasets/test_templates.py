"""Sentences drawn from templates."""

from __future__ import annotations

import pytest

from frostline.data.datasets.templates import Grammar

GRAMMAR = Grammar({"the": "(the|my)", "turn": "turn [<the>]"}, {"room": lambda pick: ["attic", "loft[s]"][pick(2)]})


@pytest.mark.parametrize(
    ("template", "sentences"),
    [
        ("plain words", {"plain words"}),
        ("(a|b) c", {"a c", "b c"}),
        ("light[s] on", {"light on", "lights on"}),
        ("[a|b] c", {"a c", "b c", "c"}),
        ("day[ ]light", {"daylight", "day light"}),
        ("x (a;[b] c)", {"x a c", "x a b c", "x c a", "x b c a"}),
        ("<turn> on", {"turn on", "turn the on", "turn my on"}),
        ("in {room:slot}", {"in attic", "in loft", "in lofts"}),
        ("((a|b)|c)d", {"ad", "bd", "cd"}),
        ("5 ( |-)hour", {"5 hour", "5 -hour"}),
    ],
)
def test_a_template_stands_for_its_sentences(template: str, sentences: set[str]) -> None:
    assert set(GRAMMAR.sentences(template, 20)) == sentences


def test_of_a_large_template_as_many_are_drawn_as_were_asked_for() -> None:
    template = "(a|b|c|d)(a|b|c|d)(a|b|c|d)(a|b|c|d)" * 8
    found = GRAMMAR.sentences(template, 6)
    assert len(set(found)) == 6 and found == GRAMMAR.sentences(template, 6)
    assert GRAMMAR.sentences(template, 3) == found[:3]
