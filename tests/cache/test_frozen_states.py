"""With the store and without it a run is the same run; what is kept is found again by what it follows from, or not.

Tests frostline.cache.frozen_states.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from command_line import Command, in_process
from conftest import Go
from frostline.cache.keys import cache_content
from frostline.cache.store import StateCache
from frostline.results.atomic_files import read_json
from parts import choices
from runs import outcome, place, strategy

frostline = in_process
# All texts of 8 tokens, all batches of 64: those of training and of the pass that fills the store have equal shapes.
EQUAL = ["dataset.max_train=256", "dataset.max_val=64", "dataset.max_test=64", "dataset.batch_size=64"]
EQUAL += ["dataset.max_length=8", "trainer.max_epochs=5"]
RAGGED = ["dataset.max_train=96", "dataset.max_val=32", "dataset.max_test=32", "trainer.max_epochs=2"]
TOP = ["freezing=top_k", "freezing.k=1"]
SLOW = pytest.mark.slow
BY_TOKEN = (
    "autofreeze",
    "chain_thaw",
    "gradual",
    "plateau",
    "top_k",
)  # on two layers; what rests else rests as a whole, or not
LINES = {"frozen": ["freezing=frozen"], "top_k": TOP, "gradual": ["freezing=gradual", "trainer.max_epochs=5"]}


def store() -> StateCache:
    return StateCache(Path("store").absolute())


def long_texts(folder: Path) -> list[str]:
    """Data sets in which every text has 8 tokens and more."""
    lines = [
        json.dumps({"text": f"a film of many words that goes on and on for {i} hours", "label": f"{i % 3}"})
        for i in range(400)
    ]
    file = folder / "long.jsonl"
    file.write_text("\n".join(lines))
    return ["dataset=table", f"dataset.train={file}"]


def both(go: Go, *words: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same run without the store and with it."""
    return tuple(go(*words, f"cache.mode={mode}", f"paths.runs={mode}") for mode in ("off", "on"))  # type: ignore[return-value]


def same(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    found = [outcome(place(str(each["folder"]))) for each in (one, other)]
    return [key for key in found[0] if found[0][key] != found[1][key]]


@pytest.mark.parametrize("name", [n if n == "gradual" else pytest.param(n, marks=SLOW) for n in choices("freezing")])
def test_on_batches_of_equal_shape_every_strategy_comes_to_the_same_bits(go: Go, name: str, tmp_path: Path) -> None:
    """Weights of all phases, curves and scores, after twenty steps."""
    without, kept = both(go, *EQUAL, *long_texts(tmp_path), *strategy(name))
    assert same(without, kept) == []
    stored = [result["cost"]["texts_from_store"] for result in (without, kept)]
    assert (stored[1] > stored[0]) == (name in BY_TOKEN)


QUICK = [("layer_mix", "frozen"), ("attention", "frozen"), ("mean", "top_k")]
POOLED = [(pooler, line) for pooler in choices("pooler") for line in ("frozen", "top_k")]


@pytest.mark.parametrize(("pooler", "line"), [pytest.param(*p, marks=() if p in QUICK else SLOW) for p in POOLED])
def test_on_batches_of_equal_shape_every_pooler_comes_to_the_same_bits(
    go: Go, pooler: str, line: str, tmp_path: Path
) -> None:
    words = [*EQUAL, *long_texts(tmp_path), *LINES[line], f"pooler={pooler}", "trainer.max_epochs=2"]
    without, kept = both(go, *words)
    assert same(without, kept) == []
    # Without the store vectors are kept in memory; layer_mix reads layers below the line of top_k too.
    by_token = pooler != "layer_mix" if line == "top_k" else pooler == "attention"
    assert (encoded(kept) < encoded(without)) == by_token


@SLOW
@pytest.mark.parametrize("averaging", ["ema", "swa"])
def test_averaged_weights_leave_nothing_that_another_run_takes_for_its_own(
    go: Go, averaging: str, tmp_path: Path
) -> None:
    """What rests in a later phase is not what it was when the run ends: its average is put in place."""
    words = [*EQUAL, *long_texts(tmp_path), "freezing=chain_thaw"]
    averaged, kept = both(go, *words, f"averaging={averaging}")
    assert same(averaged, kept) == []
    without, after = both(go, *words)
    assert same(without, after) == []


@pytest.mark.parametrize("line", [n if n == "top_k" else pytest.param(n, marks=SLOW) for n in LINES])
def test_on_ragged_batches_a_run_differs_by_what_padding_makes_alone(go: Go, line: str) -> None:
    """A text's states differ in their last bits with the length that its batch is padded to, as in any evaluation."""
    without, kept = both(go, *RAGGED, *LINES[line])
    assert kept["metrics"] == pytest.approx(without["metrics"], abs=1e-5)
    assert kept["confusion"] == without["confusion"]


# What is found again

KEEP = [*RAGGED, *TOP, "trainer.max_epochs=1", "cache.mode=on"]


def encoded(result: dict[str, Any]) -> int:
    found: int = result["cost"]["texts_encoded"]
    return found


@pytest.mark.parametrize(
    "change", [["seed=2", "optimizer.lr=0.01", "head=mlp"], ["pooler=max", "dataset.batch_size=16"]], ids=" ".join
)
def test_another_head_pooler_seed_or_rate_above_the_line_finds_all_of_it(go: Go, change: list[str]) -> None:
    assert encoded(go(*KEEP)) == 160
    assert encoded(go(*KEEP, *change)) == 0


@pytest.mark.parametrize(
    "change",
    [["dataset.max_length=127"], ["cache.dtype=float16"], ["trainer.precision=bf16-mixed"], ["encoder=scratch"]],
    ids=" ".join,
)
def test_what_states_follow_from_is_a_miss(go: Go, change: list[str]) -> None:
    assert encoded(go(*KEEP)) == 160
    assert encoded(go(*KEEP, *change)) == 160
    assert len(store().complete_entries()) == 6


def test_a_byte_of_weights_or_tokenizer_is_a_miss_and_the_folder_s_name_is_not(go: Go, plain: list[str]) -> None:
    assert encoded(go(*KEEP, *plain)) == 160
    Path("plain").rename("elsewhere")
    words = ["encoder=hub", "encoder.name=elsewhere"]
    assert encoded(go(*KEEP, *words)) == 0
    flipped(Path("elsewhere/tokenizer.json"), b'"[unused5]"', b'"[unused_]"')
    assert encoded(go(*KEEP, *words, "rerun=true")) == 160
    weights = Path("elsewhere/model.safetensors")
    cache_content = bytearray(weights.read_bytes())
    cache_content[8 + int.from_bytes(cache_content[:8], "little") + 10_000] ^= 1
    weights.write_bytes(cache_content)
    assert encoded(go(*KEEP, *words, "rerun=true")) == 160


def flipped(file: Path, old: bytes, new: bytes) -> None:
    cache_content = file.read_bytes()
    assert old in cache_content
    file.write_bytes(cache_content.replace(old, new))


def test_a_cache_key_stays_when_our_classes_move_to_other_modules() -> None:
    encoder = SimpleNamespace(content=lambda: {"model": "bert"})
    first, moved, other = (
        cache_content(
            encoder, {"adapter": {"_target_": adapter}, "pooler": {"_target_": "frostline.models.poolers.mean.Mean"}}
        )
        for adapter in ("frostline.models.adapters.lora.Lora", "frostline.adapters.lora.Lora", "lab.lora.Lora")
    )
    assert first == moved != other


def test_another_version_of_the_store_finds_nothing(go: Go, monkeypatch: pytest.MonkeyPatch) -> None:
    go(*KEEP)
    monkeypatch.setattr("frostline.cache.keys.VERSION", 2)
    assert encoded(go(*KEEP, "seed=2")) == 160


def test_higher_states_are_built_from_lower_ones(go: Go) -> None:
    """The vectors of a frozen encoder from what top_k has kept: its first layer is computed once."""
    go(*KEEP)
    words = [*RAGGED, "freezing=frozen", "trainer.max_epochs=1"]
    result = go(*words)
    assert encoded(result) == 0
    without = go(*words, "cache.mode=off", "paths.runs=without")
    assert result["metrics"] == pytest.approx(without["metrics"], abs=1e-5)


# Faults


def test_a_store_that_cannot_be_written_ends_no_run(go: Go, capsys: Any) -> None:
    Path("file").touch()
    without, kept = (
        go(*RAGGED, *TOP, f"cache.mode={mode}", "cache.dir=file/store", f"paths.runs={mode}") for mode in ("off", "on")
    )
    assert kept["metrics"] == without["metrics"]
    assert "going on without it" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["frozen", "top_k"])
def test_a_flipped_byte_is_told_and_computed_again(go: Go, line: str, capsys: Any) -> None:
    words = [*RAGGED, *LINES[line], "cache.mode=on"]
    before = go(*words)
    for file in Path("store").glob("*/states.*"):
        cache_content = bytearray(file.read_bytes())
        cache_content[len(cache_content) // 2] ^= 64
        file.write_bytes(cache_content)
    again = go(*words, "rerun=true")
    assert again["metrics"] == pytest.approx(before["metrics"], abs=1e-5)
    assert "not as it was written" in capsys.readouterr().err
    assert go(*words, "seed=2")["cost"]["texts_from_store"] > 0


# Ranks


@SLOW
@pytest.mark.parametrize("line", LINES)
def test_two_ranks_share_a_store_and_find_that_of_one(frostline: Command, line: str, plain: list[str]) -> None:
    words = [
        *RAGGED,
        *plain,
        "optimizer=sgd",
        *LINES[line],
        "logger=csv",
        "trainer=ddp",
        "trainer.accelerator=cpu",
        "cache.mode=on",
    ]
    said = frostline("-m", *words, "trainer.devices=2,1", "seed=1")
    assert said.status == 0, said.err
    two, one = sorted(Path("runs/default").glob("*/result.json"), key=lambda file: file.stat().st_mtime_ns)
    found = [read_json(file) for file in (two, one)]
    assert found[1]["cost"]["texts_encoded"] < found[0]["cost"]["texts_encoded"]
    losses = [[result["metrics"][f"{split}/loss"] for split in ("val", "test")] for result in found]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
