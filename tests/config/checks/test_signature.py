"""Signatures are read from source: of every kind of part, and without importing it."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pytest

from frostline.config.checks.signature import read_signature
from frostline.errors import UserError
from frostline.types import Count

PARTS = """
from __future__ import annotations
import dataclasses
import json
from dataclasses import dataclass
from functools import partial
import torch_that_is_not_there
from frostline.types import Count, Dropout
from .kin import Kin

def function(blocks, k: Count = 1, *, rate: float = 0.5): ...
def open_function(a, **rest): ...
class Bare(torch_that_is_not_there.nn.Module): ...
class Plain:
    def __init__(self, width: int, dropout: Dropout = 0.1, names: list[str] | None = None) -> None: ...
class Child(Plain): ...
@dataclass(frozen=True)
class Value:
    a: int
    b: "str" = "x"
@dataclasses.dataclass
class Longer(Value):
    c: Unheard = json.dumps(1)
broken = partial(function, k=2)
"""


@pytest.fixture
def mylab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "mylab"
    package.mkdir()
    (package / "__init__.py").write_text("from .parts import Plain as Offered\nraise RuntimeError('imported')")
    (package / "more.py").write_text("from mylab import Offered\nfrom .parts import Value")
    (package / "parts.py").write_text(PARTS)
    (package / "torn.py").write_text("def f(:")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("name", "required", "optional"),
    [
        ("function", ["blocks"], {"k": 1, "rate": 0.5}),
        ("open_function", ["a"], {}),
        ("Bare", [], {}),
        ("Plain", ["width"], {"dropout": 0.1, "names": None}),
        ("Child", ["width"], {"dropout": 0.1, "names": None}),
        ("Value", ["a"], {"b": "x"}),
    ],
)
def test_a_part_is_read_and_not_imported(
    mylab: None, name: str, required: list[str], optional: dict[str, object]
) -> None:
    found = read_signature(f"mylab.parts.{name}", "head._target_")
    assert found.name == name
    assert [n for n, p in found.parameters.items() if p.required] == required
    assert {n: p.default for n, p in found.parameters.items() if not p.required} == optional
    assert found.open == (name == "open_function")
    assert "mylab" not in sys.modules


def test_names_that_a_package_offers_are_followed(mylab: None) -> None:
    assert list(read_signature("mylab.Offered", "").parameters) == ["width", "dropout", "names"]
    assert list(read_signature("mylab.more.Offered", "").parameters) == ["width", "dropout", "names"]
    assert list(read_signature("mylab.more.Value", "").parameters) == ["a", "b"]
    assert "mylab" not in sys.modules


def test_fields_come_from_the_bases_too(mylab: None) -> None:
    assert list(read_signature("mylab.parts.Longer", "").parameters) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("mylab.parts.Plian", "'mylab.parts' has no 'Plian'; did you mean Plain?"),
        ("mylab.part.Plain", "there is no module 'mylab.part'; did you mean mylab.parts?"),
        ("nolab.parts.Plain", "there is no module 'nolab.parts'; write module.Name"),
        ("mylab.parts.Plain.more", "there is no module 'mylab.parts.Plain'; "),
        ("mylab.torn.f", "torn.py' is not valid Python"),
        ("Plain", "'Plain' is not a dotted name"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(mylab: None, target: str, told: str) -> None:
    with pytest.raises(UserError) as caught:
        read_signature(target, "head._target_")
    assert told in str(caught.value)
    assert "\n  head._target_: " in str(caught.value)


def test_where_the_source_cannot_tell_the_module_is_imported(mylab: None, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be imported"):
        read_signature("mylab.parts.broken", "head._target_")
    made = "from __future__ import annotations\ndef f(k: Count = 1): ...\nmade = f.__get__(0).__func__\n"
    (tmp_path / "made.py").write_text(made)
    assert read_signature("made.made", "").parameters["k"].annotation == Count
    assert list(read_signature("fractions.Fraction", "").parameters)[:2] == ["numerator", "denominator"]


@pytest.mark.parametrize(
    "target",
    [
        "frostline.models.heads.mlp.Mlp",
        "frostline.training.optimizers.adamw.adamw",
        "frostline.training.schedulers.cosine.CosineDecay",
    ],
)
def test_the_source_says_what_python_says(target: str) -> None:
    import importlib

    module, _, name = target.rpartition(".")
    python = inspect.signature(getattr(importlib.import_module(module), name)).parameters
    ours = read_signature(target, "").parameters
    assert {n: p.default for n, p in ours.items()} == {n: p.default for n, p in python.items()}
