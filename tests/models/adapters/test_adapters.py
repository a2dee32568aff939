"""What every adapter is held to: it stands in the plan beside its host, and never lets the encoder itself learn.

Tests frostline.models.adapters.ia3, frostline.models.adapters.lora_targets, frostline.models.adapters.prefix,
frostline.models.adapters.prompt, frostline.models.adapters.virtual_tokens.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from families import FAMILIES, encoder_of
from frostline.config import jobs as command
from frostline.errors import UserError
from frostline.freezing.groups import with_layer_decay
from frostline.freezing.plan import Block, Parameter, Phase
from frostline.freezing.resolve import resolve_phases
from frostline.freezing.table import plan_rules
from frostline.instantiate import make
from frostline.models.adapters.attach import attach_adapter
from frostline.models.blocks import ModuleBlock, find_blocks
from frostline.models.build import build_model
from frostline.models.fingerprint import weights_digest, weights_without_adapter
from frostline.models.heads.mlp import Mlp
from frostline.models.poolers.mean import Mean
from parts import choices, config, part, plan_of

ADAPTERS = [name for name in choices("adapter") if name != "none"]
INSIDE = [name for name in ADAPTERS if part("adapter", name).location == "layers"]


@pytest.fixture(params=ADAPTERS)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@cache
def model(*words: str) -> tuple[list[ModuleBlock], dict[str, nn.Module], dict[str, Any]]:
    [job] = command.jobs_of_command(["encoder=bert_tiny", *words])
    config = job.config
    blocks, parts = build_model(config, ["a", "b", "c"])
    return blocks, parts, config


def names(blocks: list[ModuleBlock]) -> list[str]:
    return [block.name for block in blocks]


# Blocks


def test_without_an_adapter_nothing_is_added() -> None:
    blocks, parts, _ = model()
    assert names(blocks) == names(find_blocks(parts["encoder"], parts["pooler"], parts["head"]))
    assert all(block.kind != "adapter" for block in blocks)


def test_an_adapter_is_a_block_directly_after_its_host(name: str) -> None:
    blocks = names(model(f"adapter={name}")[0])
    hosts = ["encoder.layer.0", "encoder.layer.1"] if name in INSIDE else ["encoder.embeddings"]
    assert [block for block in blocks if block.endswith(".adapter")] == [f"{host}.adapter" for host in hosts]
    assert all(blocks[blocks.index(host) + 1] == f"{host}.adapter" for host in hosts)


def test_the_encoder_s_own_parameters_keep_their_names_and_weights(name: str) -> None:
    bare, parts, _ = model()
    blocks, adapted, _ = model(f"adapter={name}")
    own = {n: p for block in blocks if block.kind != "adapter" for n, p in block.parameters.items()}
    assert list(own) == [n for block in bare for n in block.parameters]
    for block in bare:
        assert all(torch.equal(p, own[n]) for n, p in block.parameters.items())
    before, after = parts["encoder"].state_dict(), weights_without_adapter(adapted["encoder"], blocks)
    assert weights_digest(after) == weights_digest(before), "the fingerprint is that of the encoder without its adapter"


def test_every_parameter_stands_in_the_plan_once(name: str) -> None:
    blocks, parts, given = model(f"adapter={name}")
    planned = [id(p) for block in blocks for p in block.parameters.values()]
    assert sorted(planned) == sorted({id(p) for module in parts.values() for p in module.parameters()})
    assert [p.name for p in plan_of(given, blocks).parameters] == [n for b in blocks for n in b.parameters]


def test_shapes_alone_give_the_same_blocks(name: str) -> None:
    blocks, _, given = model(f"adapter={name}")
    shapes, _ = build_model(given, ["a", "b", "c"], weights=False)
    assert [block.plan_block for block in shapes] == [block.plan_block for block in blocks]


def test_the_adapter_is_drawn_from_a_source_of_its_own(name: str) -> None:
    """The head begins as without it; the same seed gives the same adapter."""
    bare = model()[1]["head"].state_dict()
    first, again = (model.__wrapped__(f"adapter={name}") for _ in range(2))
    assert all(torch.equal(value, first[1]["head"].state_dict()[key]) for key, value in bare.items())
    ours = [
        {n: p for b in blocks if b.kind == "adapter" for n, p in b.parameters.items()} for blocks, *_ in (first, again)
    ]
    assert all(torch.equal(p, ours[1][n]) for n, p in ours[0].items())


# Plans


def learning(plan: Any, index: int) -> set[str]:
    return {p.name for p in plan.parameters if plan.phases[index].trains(p.name)}


@pytest.mark.parametrize("strategy", ["lp_ft", "plateau"])
def test_beside_an_adapter_the_encoder_s_own_parameters_never_learn(name: str, strategy: str) -> None:
    blocks, _, given = model(f"adapter={name}", f"freezing={strategy}")
    plan = plan_of(given, blocks)
    ever = {p.name for p in plan.parameters if plan.ever_trains(p.name)}
    assert ever == {n for b in blocks if b.kind in ("adapter", "head") for n in b.parameters}


def test_strategies_move_adapters_as_they_move_their_hosts() -> None:
    def phases(*words: str) -> list[set[str]]:
        blocks, _, given = model("adapter=lora", *words)
        plan = plan_of(given, blocks)
        where = {p.name: block.name for block in plan.blocks for p in block.parameters}
        return [{where[n] for n in learning(plan, i)} for i in range(len(plan.phases))]

    low, top, head = "encoder.layer.0.adapter", "encoder.layer.1.adapter", "head"
    assert phases("freezing=full") == [{low, top, head}]
    assert phases("freezing=top_k") == [{top, head}]
    assert phases("freezing=bottom_k") == [{low, head}]
    assert phases("freezing=lp_ft") == [{head}, {low, top, head}]
    assert phases("freezing=gradual") == [{head}, {top, head}, {low, top, head}]
    assert phases("freezing=chain_thaw") == [{head}, {low}, {top}, {low, top, head}]


def outline() -> list[Block]:
    def block(name: str, kind: Any, *inner: str) -> Block:
        return Block(name, kind, tuple(Parameter(f"{name}.{word}", 2) for word in inner))

    return [
        block("encoder.embeddings", "embeddings", "words"),
        block("encoder.layer.0", "layer", "dense"),
        block("encoder.layer.0.adapter", "adapter", "a"),
        block("encoder.layer.1", "layer", "dense"),
        block("encoder.layer.1.adapter", "adapter", "a"),
        block("encoder.final", "final", "weight"),
        block("head", "head", "out"),
    ]


def test_the_frost_line_lies_below_the_host_and_counts_blocks_as_without_an_adapter() -> None:
    lines = {"*": 1, "encoder.layer.1.*": 2, "head.*": 4}
    for pattern, line in lines.items():
        plan = resolve_phases([Phase("a", ((pattern, 1.0), ("*", None)))], outline(), 1)
        assert plan.phases[0].frost_line == line, pattern
    assert resolve_phases([Phase("a", (("*", None),))], outline(), 1).phases[0].frost_line == 5


def test_layer_decay_counts_an_adapter_with_its_host() -> None:
    multipliers = with_layer_decay(resolve_phases([Phase("a", (("*", 1.0),))], outline(), 1), 0.5).phases[0].multipliers
    assert {name: m for name, m in multipliers.items() if m is not None} == {
        "encoder.layer.0.adapter.a": 0.25,
        "encoder.layer.1.adapter.a": 0.5,
        "head.out": 1.0,
    }


def test_a_written_plan_reads_back_as_it_was() -> None:
    """A host's pattern covers its adapter's names, so that the adapter's come first."""
    plan = resolve_phases([Phase("a", (("encoder.layer.1.*", 0.5), ("head.*", 1.0), ("*", None)))], outline(), 1)
    [written] = plan_rules(plan)
    again = resolve_phases([Phase("a", tuple((str(p), m) for p, m in written["rules"]))], outline(), 1)
    assert again == plan


def test_a_rule_for_the_encoder_alone_is_told() -> None:
    with pytest.raises(
        UserError,
        match=r"freezing.rules: 'encoder.layer.0.dense' matches only parameters of the encoder itself, .*; give null",
    ):
        resolve_phases([Phase("a", (("encoder.layer.0.dense", 1.0), ("*", None)))], outline(), 1)


# Where it goes


@pytest.mark.parametrize("name", [name for name in INSIDE if name != "ia3"])
def test_all_linear_layers_are_those_of_the_encoder_and_never_the_head_s(name: str) -> None:
    blocks, parts, _ = model(f"adapter={name}", "adapter.target_modules=all-linear", "head=mlp")
    assert isinstance(parts["head"], Mlp)
    assert not any("lora" in type(m).__module__ for m in parts["head"].modules())
    targets = {n.split(".lora")[0] for b in blocks if b.kind == "adapter" for n in b.parameters}
    linear = {n for n, m in parts["encoder"].named_modules() if type(m) is nn.Linear and "lora" not in n}
    assert len(targets) == len([n for n in linear if ".layer." in n]) == 12


def test_named_targets_are_all_that_is_taken() -> None:
    blocks, *_ = model("adapter=lora", "adapter.target_modules=[key,intermediate.dense]")
    found = {".".join(n.split(".")[4:-2]) for b in blocks if b.kind == "adapter" for n in b.parameters}
    assert found == {"attention.self.key", "intermediate.dense"}


TEXTS = torch.tensor([[1, 5, 7, 9], [1, 8, 2, 2]]), torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
PREFIXED = {"BERT", "RoBERTa", "Llama", "GPT-2", "Qwen2", "OPT"}


def reach(encoder: nn.Module, blocks: list[ModuleBlock]) -> set[str]:
    """The adapter's parameters that a gradient reaches."""
    states = encoder(*TEXTS)
    (states * torch.linspace(-1, 1, states.numel()).view_as(states)).sum().backward()
    found = {n: p for block in blocks if block.kind == "adapter" for n, p in block.parameters.items()}
    return {n for n, p in found.items() if p.grad is not None}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", [name for name in ADAPTERS if name not in INSIDE])
def test_in_every_family_virtual_tokens_are_read_or_refused(name: str, family: str) -> None:
    """They change what is said of a text, which keeps its length, whatever padding stands beside it."""
    encoder = encoder_of(family)
    before = encoder(*TEXTS).detach()
    blocks = find_blocks(encoder, Mean(), nn.Linear(16, 3))
    if name == "prefix" and family not in PREFIXED:
        with pytest.raises(UserError, match=r"adapter: this encoder's attention takes no keys .*; choose adapter=lora"):
            attach_adapter(part("adapter", name), encoder, blocks)
        return
    blocks = attach_adapter(make(config("adapter", name) | {"num_virtual_tokens": 3}), encoder, blocks)
    after = encoder(*TEXTS)
    assert after.shape == before.shape
    assert float((after.detach() - before)[TEXTS[1] == 1].abs().max()) > 1e-4
    alone = encoder(TEXTS[0][1:, :2], TEXTS[1][1:, :2])
    torch.testing.assert_close(alone[0], after[1, :2], rtol=0, atol=1e-5)
    adapters = [block for block in blocks if block.kind == "adapter"]
    assert [block.name for block in adapters] == ["encoder.embeddings.adapter"]
    assert reach(encoder, blocks) == {n for block in adapters for n in block.parameters}


def test_the_states_of_virtual_tokens_are_cut_from_every_layer() -> None:
    _, parts, _ = model("adapter=prompt")
    states = parts["encoder"](*TEXTS, every_layer=True)
    assert states.shape[:3] == (3, 2, 4)


@pytest.mark.parametrize(("name", "tokens"), [("prompt", 20), ("prefix", 10)])
def test_texts_and_virtual_tokens_must_fit_the_encoder_together(name: str, tokens: int) -> None:
    encoder: Any = model(f"adapter={name}")[1]["encoder"]
    most = 512 - tokens
    assert len(encoder.tokenize(["a " * 600], max_length=most)[0]) == most
    with pytest.raises(UserError) as caught:
        encoder.tokenize(["a text"], max_length=500 + tokens // 2)
    assert str(caught.value.problems[0]) == (
        f"dataset.max_length: {500 + tokens // 2} tokens, but the encoder reads at most {most} "
        f"beside the {tokens} of the adapter; set it to {most} or less"
    )


def test_a_family_that_ignores_what_is_put_before_its_texts_is_refused() -> None:
    """Never is a no-op trained: here the model's own code drops the keys and values."""
    encoder = encoder_of("BERT")
    own = encoder.model.forward
    encoder.model.forward = lambda cache=None, attention_mask=None, **given: own(**given)
    with pytest.raises(UserError, match=r"adapter: this encoder's attention ignores keys and values .*; choose "):
        attach_adapter(part("adapter", "prefix"), encoder, find_blocks(encoder, Mean(), nn.Linear(16, 3)))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", INSIDE)
def test_in_every_family_it_attaches_inside_the_layers_or_is_refused(name: str, family: str) -> None:
    """And the encoder says what it said: each begins as no change; then gradients reach every part of it."""
    encoder = encoder_of(family)
    before = encoder(*TEXTS).detach()
    blocks = find_blocks(encoder, Mean(), nn.Linear(16, 3))
    layers = [block.name for block in blocks if block.kind == "layer"]
    try:
        blocks = attach_adapter(part("adapter", name), encoder, blocks)
    except UserError as error:
        assert (name, family) in {("ia3", f) for f in ("DistilBERT", "ModernBERT", "ALBERT", "XLNet")}
        assert str(error.problems[0]) == (
            "adapter: IA3 knows no targets in this encoder; "
            "name them in adapter.outputs and adapter.inputs, or choose adapter=lora"
        )
        return
    encoder.eval()
    torch.testing.assert_close(encoder(*TEXTS).detach(), before, rtol=0, atol=1e-5)
    adapters = [block for block in blocks if block.kind == "adapter"]
    assert [block.name for block in adapters] == [f"{layer}.adapter" for layer in layers]
    assert reach(encoder, blocks) == {n for block in adapters for n in block.parameters}


def test_a_model_s_transposed_layers_are_taken_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    encoder = encoder_of("GPT-2")
    attach_adapter(part("adapter", "lora"), encoder, find_blocks(encoder, Mean(), nn.Linear(16, 3)))
    assert [str(w.message) for w in recwarn.list] == []


# Real runs


DATA = ["dataset.max_train=96", "dataset.max_val=24", "dataset.max_test=24", "dataset.batch_size=16"]


def test_a_run_with_an_adapter_keeps_its_adapter_and_head(go: Any) -> None:
    result = go("adapter=lora", "trainer.max_epochs=1", *DATA)
    assert result["choices"]["adapter"] == "lora"
    assert result["parameters"]["ever_trainable"] == 8579
    assert "lora" in Path(result["folder"]).name
