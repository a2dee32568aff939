"""How far two records agree: told of made values, whose differences are known."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from frostline.results.compare.aspects import DIFFERS, EQUAL, NEAR, compare_numbers, differences
from frostline.results.compare.predictions import compare_predictions
from frostline.results.compare.reasons import likely_reasons
from frostline.results.compare.weights import compare_weights

PLACE = {
    "packages": {"torch": "2.9.0", "tomli": "1"},
    "data": {"fingerprint": "a", "texts": {"train": 9}},
    "encoder": {"fingerprint": "e"},
    "git": {"commit": "1" * 40, "dirty": False},
    "threads": 2,
    "device": "cpu",
}


def test_nested_values_are_told_by_their_keys() -> None:
    first, second = {"a": {"b": 1, "c": [1, 2]}, "d": 0}, {"a": {"b": 1, "c": [1, 3]}, "e": 0}
    assert list(differences(first, second)) == [("a.c", [1, 2], [1, 3]), ("d", 0, "absent"), ("e", "absent", 0)]


@pytest.mark.parametrize(
    ("second", "verdict"),
    [(0.5, EQUAL), (0.5 + 5e-5, NEAR), (0.5 - 2e-4, DIFFERS), (math.nan, DIFFERS), (math.inf, DIFFERS)],
)
def test_numbers(second: float, verdict: str) -> None:
    found = compare_numbers("metrics", {"x": 0.5, "same": math.nan}, {"x": second, "same": math.nan}, 1e-4)
    assert (found.verdict, bool(found.lines)) == (verdict, verdict != EQUAL)


def test_a_number_that_one_lacks_is_a_difference() -> None:
    assert compare_numbers("metrics", {"x": 1.0}, {}, math.inf).verdict == DIFFERS


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize(("step", "verdict"), [(0.0, EQUAL), (2**-7, NEAR), (1.0, DIFFERS)])
def test_weights_of_every_type(tmp_path: Path, dtype: torch.dtype, step: float, verdict: str) -> None:
    """Steps are such as each type holds exactly."""
    values = torch.ones(3, 4, dtype=dtype)
    save_file({"w": values, "v": values.clone()}, tmp_path / "a", {"frostline": "of one run"})
    save_file({"w": values, "v": values + torch.eye(3, 4, dtype=dtype) * step}, tmp_path / "b", {"frostline": "x"})
    found = compare_weights(tmp_path / "a", tmp_path / "b", tolerance=0.01)
    assert found.verdict == verdict
    assert found.lines == (() if step == 0 else (f"v: up to {step:.2g} apart",))


def test_weights_of_other_shapes_or_names(tmp_path: Path) -> None:
    save_file({"w": torch.ones(2), "v": torch.ones(2)}, tmp_path / "a")
    save_file({"w": torch.ones(3), "u": torch.ones(2)}, tmp_path / "b")
    found = compare_weights(tmp_path / "a", tmp_path / "b", tolerance=1)
    assert (found.verdict, found.lines) == (DIFFERS, ("u: not in both", "v: not in both", "w: not in both"))


def chances(path: Path, sure: float, label: int = 0) -> Path:
    told = pd.DataFrame({"set": ["test", "test"], "id": [0, 1], "label": [label, 1], "p_0": [sure, 0.2]})
    told["p_1"] = 1 - told["p_0"]
    told.to_parquet(path)
    return path


@pytest.mark.parametrize(
    ("sure", "label", "verdict", "line"),
    [
        (0.6, 0, EQUAL, None),
        (0.65, 0, NEAR, "test: another class for 0 of 2 texts, probabilities differ by up to 0.05"),
        (0.9, 0, DIFFERS, "test: another class for 0 of 2 texts, probabilities differ by up to 0.3"),
        (0.45, 0, DIFFERS, "test: another class for 1 of 2 texts, probabilities differ by up to 0.15"),
        (0.6, 1, DIFFERS, "test: other texts or labels"),
    ],
)
def test_what_is_told_of_texts(tmp_path: Path, sure: float, label: int, verdict: str, line: str | None) -> None:
    found = compare_predictions(chances(tmp_path / "a", 0.6), chances(tmp_path / "b", sure, label), tolerance=0.2)
    assert (found.verdict, found.lines) == (verdict, (line,) if line else ())


def test_the_likeliest_reason_comes_first() -> None:
    other = PLACE | {
        "packages": {"torch": "2.8.0", "tomli": "2"},
        "threads": 1,
        "git": {"commit": "2" * 40, "dirty": True},
    }
    assert likely_reasons([{"seed": 1}, {"seed": 1}], [PLACE, other]) == [
        "likely reason: another version of torch (2.9.0 | 2.8.0)",
        "also recorded: threads (2 | 1)",
        "also recorded: another commit of the working folder (11111111 | 22222222)",
        "also recorded: uncommitted changes of the working folder in the second",
    ]
    assert likely_reasons([{}, {}], [PLACE | {"together": 7}, PLACE]) == [
        "likely reason: runs trained together, whose sums are rounded in another order (7 | None)"
    ]
    data = {"fingerprint": "b", "texts": {"train": 8}}
    first, *_ = likely_reasons([{"seed": 1}, {"seed": 1}], [PLACE, other | {"data": data}])
    assert first == "likely reason: other data (fingerprint: a | b, texts.train: 9 | 8)"
    assert likely_reasons([{}, {}], [PLACE, PLACE]) == ["no recorded difference explains it"]
    assert likely_reasons([{}, {}], [PLACE, PLACE | {"precision": "32-true"}]) == ["no recorded difference explains it"]
    both = [PLACE | {"precision": name} for name in ("16-mixed", "bf16-mixed")]
    assert likely_reasons([{}, {}], both) == ["likely reason: precision (16-mixed | bf16-mixed)"]
