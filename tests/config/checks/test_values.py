"""What fits an annotation, and what is said of what does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from frostline.config.checks.source import UNKNOWN
from frostline.config.checks.values import type_mismatch
from frostline.types import Count, Dropout, NonNegativeInt, Positive, Share

MODE = Literal["a", "b", 3] | None


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (1, int), (1, float), (1.5, float), ("x", str), (True, bool), (None, None), ([1], list[int]), ({"a": 1}, dict),
        (1, Count), (0, NonNegativeInt), (0.0, Share), (1.0, Share), (0.5, Positive), (None, Count | None),
        (2, Count | str),
        ("auto", Count | Literal["auto"]), ("b", MODE), (3, MODE), ([0.1, 1], Sequence[float]), ([], tuple[int, ...]),
        ({}, Mapping[str, Any]), ("x", Path), ("x", str | Path), ("anything", Any), ("anything", UNKNOWN),
        ("a forward reference", "Tensor"), ({"_target_": "x.Y"}, type("Own", (), {})), (float("inf"), Positive),
    ],
)  # fmt: skip
def test_what_fits_is_let_through(value: object, annotation: object) -> None:
    assert type_mismatch(value, annotation) is None


@pytest.mark.parametrize(
    ("value", "annotation", "what"),
    [
        (True, int, "true is not an integer"),
        (1.0, int, "1.0 is not an integer"),
        ("1", float, "'1' is not a number"),
        (None, str, "null is not a text"),
        (0, Count, "0 is not at least 1"),
        (0, Count | None, "0 is not at least 1"),
        ("x", Count | None, "'x' is not an integer at least 1 or null"),
        (1, Dropout, "1 is not at least 0 and below 1"),
        (float("nan"), Positive, "nan is not above 0"),
        ("c", MODE, "'c' is not a, b, 3 or null"),
        (True, Literal[1], "true is not 1"),
        ("ab", Sequence[str], "'ab' is not a list"),
        ([1, "x"], list[int], "'x' is not an integer"),
        (3, dict[str, int], "3 is not a mapping"),
        (3, Path, "3 is not a text"),
    ],
)
def test_what_does_not_fit_is_told_in_words(value: object, annotation: object, what: str) -> None:
    found = type_mismatch(value, annotation)
    assert found is not None
    assert found[0] == what
    assert found[1].startswith("give ")
