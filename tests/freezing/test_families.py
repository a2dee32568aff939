"""Every strategy on the blocks of many families: what the paper says learns, in every epoch and at its rate.

Tests frostline.freezing.strategies.surgical.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from torch import nn

from families import FAMILIES, encoder_of
from frostline.config import jobs as command
from frostline.errors import UserError
from frostline.freezing.plan import Plan
from frostline.models.blocks import ModuleBlock, find_blocks
from frostline.models.build import build_model
from frostline.models.heads.linear import Linear
from frostline.models.poolers.mean import Mean
from papers import SAID, Where
from parts import choices, plan_of

REAL = ("bert_tiny", "minilm")
WITHOUT_BIASES = {"ModernBERT", "Llama", "T5"}


@cache
def config(words: str) -> dict[str, Any]:
    [job] = command.jobs_of_command(words.split())
    return job.config


@cache
def model(family: str) -> tuple[nn.Module, list[ModuleBlock]]:
    if family in REAL:
        blocks, parts = build_model(config(f"encoder={family}"), classes=["a", "b", "c"], weights=False)
        return parts["encoder"], blocks
    encoder = encoder_of(family)
    return encoder, find_blocks(encoder, Mean(), Linear(16, 3))


@pytest.fixture(params=[*REAL, *FAMILIES])
def family(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def places(family: str) -> dict[str, Where]:
    """Where each parameter stands; norms and biases told by the modules and shapes that a plan does not see."""
    encoder, blocks = model(family)
    norms = {id(p) for m in encoder.modules() if "Norm" in type(m).__name__ for p in m.parameters(recurse=False)}
    gains = {id(m.weight) for m in encoder.modules() if "Norm" in type(m).__name__ and hasattr(m, "weight")}
    layers = [block.name for block in blocks if block.kind == "layer"]
    found = {}
    for block in blocks:
        part = "head" if block.kind == "pooler" else block.kind
        at = layers.index(block.name) if block.kind == "layer" else -1
        for name, p in block.parameters.items():
            is_bias = (p.ndim == 1 and id(p) not in gains) or name.endswith(("r_w_bias", "r_r_bias", "r_s_bias"))
            found[name] = Where(part, at, len(layers), id(p) in norms, is_bias)
    return found


def rounded(rates: dict[str, float | None]) -> dict[str, float | None]:
    return {name: None if rate is None else float(f"{rate:.12g}") for name, rate in rates.items()}


def plan(words: str, family: str) -> Plan:
    return plan_of(config(words), model(family)[1])


@pytest.mark.parametrize("words", SAID)
def test_in_every_epoch_a_parameter_learns_at_the_rate_that_the_paper_says(words: str, family: str) -> None:
    if "bitfit" in words and family in WITHOUT_BIASES:
        pytest.skip("has no biases: refused, below")
    found = plan(words, family)
    for epoch in range(found.phases[-1].end):
        phase = found.phases[found.index_at(epoch)]
        expected = {name: SAID[words].rate(place, epoch) for name, place in places(family).items()}
        assert rounded(phase.multipliers) == rounded(expected), f"epoch {epoch}"


@pytest.mark.parametrize("words", SAID)
def test_the_optimizer_and_the_schedule_begin_anew_when_the_paper_says(words: str, family: str) -> None:
    if "bitfit" in words and family in WITHOUT_BIASES:
        pytest.skip("has no biases: refused, below")
    layers = sum(block.kind == "layer" for block in model(family)[1])
    restarts = [phase.start for phase in plan(words, family).phases if phase.restart]
    assert restarts == list(SAID[words].restarts(layers))


def test_every_strategy_with_a_plan_that_follows_from_the_blocks_is_held_to_its_paper() -> None:
    held = {words.split()[0].partition("=")[2] for words in SAID}
    assert held <= set(choices("freezing"))


@pytest.mark.parametrize("family", sorted(WITHOUT_BIASES))
def test_bitfit_without_biases_is_refused(family: str) -> None:
    with pytest.raises(UserError) as caught:
        plan("freezing=bitfit", family)
    assert str(caught.value.problems[0]) == (
        "freezing: bitfit trains biases, and the encoder's layers have none; "
        "choose freezing=layer_norm, or freezing=top_k"
    )


def test_gradual_unfreezing_moves_the_frost_line_down_block_by_block(family: str) -> None:
    """ALBERT's shared layer is one block, and thaws at once."""
    phases = plan("freezing=gradual", family).phases
    blocks = [block.name.removeprefix("encoder.") for block in model(family)[1]]
    layers = [name for name in blocks if name.startswith("layer.")]
    assert [phase.name for phase in phases] == ["head", *reversed(layers), "embeddings"]
    assert [blocks[phase.frost_line] for phase in phases] == [phase.name for phase in phases]


def test_the_top_block_of_albert_is_all_its_layers_and_there_is_no_second() -> None:
    for strategy in ("top_k", "bottom_k"):
        with pytest.raises(UserError, match=r"freezing\.k: 2 blocks requested, the encoder has 1; give 1 to 1, "):
            plan(f"freezing={strategy} freezing.k=2", "ALBERT")
