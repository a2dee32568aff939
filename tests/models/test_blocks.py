"""Blocks are found from the model itself, in the order in which it uses them, whatever its family."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
import torch
from torch import Tensor, nn

from families import FAMILIES, LAYERS, Encoder, encoder_of
from frostline.models.blocks import ModuleBlock, find_blocks
from frostline.models.call_order import module_call_order
from frostline.models.heads.linear import Linear
from frostline.models.poolers.mean import Mean

NO_FINAL = {"BERT", "RoBERTa", "DistilBERT", "DeBERTa-v2", "ALBERT", "XLNet"}


def blocks_of(encoder: nn.Module) -> list[ModuleBlock]:
    return find_blocks(encoder, Mean(), Linear(16, 3))


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_every_parameter_stands_in_exactly_one_block(family: str) -> None:
    encoder = encoder_of(family)
    head = Linear(16, 3)
    blocks = find_blocks(encoder, Mean(), head)
    found = [id(p) for block in blocks for p in block.parameters.values()]
    assert sorted(found) == sorted({id(p) for p in [*encoder.parameters(), *head.parameters()]})


def test_names_are_unique_and_a_blocks_glob_matches_its_own_alone(family: str) -> None:
    blocks = blocks_of(encoder_of(family))
    names = [name for block in blocks for name in block.parameters]
    assert len(set(names)) == len(names)
    for block in blocks:
        assert [name for name in names if fnmatchcase(name, f"{block.name}.*")] == list(block.parameters)


def test_blocks_come_input_side_first(family: str) -> None:
    blocks = blocks_of(encoder_of(family))
    layers = [f"encoder.layer.{i}" for i in range(1 if family == "ALBERT" else LAYERS)]
    final = [block.name for block in blocks if block.kind == "final" and block.parameters]
    assert final == ([] if family in NO_FINAL else ["encoder.final"])
    shown = [block.name for block in blocks if block.parameters]
    assert shown == ["encoder.embeddings", *layers, *final, "head"]
    assert [block.kind for block in blocks][-2:] == ["pooler", "head"]


def test_embedding_tables_stand_below_the_layers(family: str) -> None:
    """T5 keeps its relative positions in the lowest layer, where they are used first."""
    encoder = encoder_of(family)
    tables = {id(m.weight) for m in encoder.modules() if isinstance(m, nn.Embedding)}
    lowest = {id(p) for block in blocks_of(encoder)[: 2 if family == "T5" else 1] for p in block.parameters.values()}
    assert tables <= lowest


def test_a_change_in_a_block_changes_no_state_below_it(family: str) -> None:
    """What the frost line rests on, tried by a forward pass of the real model after each block is changed."""
    encoder = encoder_of(family)
    blocks = [block for block in blocks_of(encoder) if block.name.startswith("encoder.")]
    layers = [block.modules[0] for block in blocks if block.kind == "layer"]
    before = _states(encoder, layers)
    for block in blocks:
        kept = {name: p.detach().clone() for name, p in block.parameters.items()}
        with torch.no_grad():
            for p in block.parameters.values():
                p.add_(torch.randn_like(p))
        after = _states(encoder, layers)
        below = len(layers) if block.kind == "final" else blocks.index(block) - 1
        for state, changed in zip(before[: max(below, 0)], after, strict=False):
            assert torch.equal(state, changed), f"{block.name} changes a layer below it"
        with torch.no_grad():
            for name, p in block.parameters.items():
                p.copy_(kept[name])


def _states(encoder: Encoder, layers: list[nn.Module]) -> list[Tensor]:
    found: list[Tensor] = []

    def keep(module: nn.Module, inputs: object, output: Tensor | tuple[Tensor, ...]) -> None:
        found.append(output if isinstance(output, Tensor) else output[0])

    hooks = [layer.register_forward_hook(keep) for layer in layers]
    ids = torch.arange(3, 15).reshape(2, 6)
    with torch.no_grad():
        encoder(ids, torch.ones_like(ids))
    for hook in hooks:
        hook.remove()
    return found


def test_shapes_alone_give_the_same_blocks(family: str) -> None:
    with torch.device("meta"):
        shapes = Encoder(FAMILIES[family]())
    assert [b.plan_block for b in blocks_of(shapes)] == [b.plan_block for b in blocks_of(encoder_of(family))]


def test_finding_blocks_draws_no_random_numbers_and_changes_nothing(family: str) -> None:
    encoder, head = encoder_of(family).train(), Linear(16, 3)
    before, chance = {k: v.clone() for k, v in encoder.state_dict().items()}, torch.get_rng_state()
    find_blocks(encoder, Mean(), head)
    assert torch.equal(torch.get_rng_state(), chance)
    assert encoder.training
    assert all(torch.equal(v, before[k]) and not v.is_meta for k, v in encoder.state_dict().items())


class Own(nn.Module):
    """An encoder of a user's: the last norm is registered first, and a parameter stands beside the modules."""

    def __init__(self, layers: int = 2, experts: int = 5) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(16))
        self.norm = nn.LayerNorm(16)
        self.table = nn.Embedding(20, 16)
        self.stack = nn.ModuleList(Experts(experts) for _ in range(layers))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states: Tensor = self.table(input_ids) * self.scale
        for layer in self.stack:
            states = layer(states)
        normed: Tensor = self.norm(states)
        return normed


class Experts(nn.Module):
    def __init__(self, count: int) -> None:
        super().__init__()
        self.experts = nn.ModuleList(nn.Linear(16, 16) for _ in range(count))

    def forward(self, states: Tensor) -> Tensor:
        return torch.stack([expert(states) for expert in self.experts]).sum(dim=0)


class AsksForValues(Own):
    """Shapes are not enough to run this one."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        assert len(input_ids.tolist()) > 0
        return super().forward(input_ids, attention_mask)


def test_use_counts_and_not_registration() -> None:
    blocks = {block.name: list(block.parameters) for block in blocks_of(Own())}
    assert blocks["encoder.embeddings"] == ["encoder.embeddings.scale", "encoder.embeddings.table.weight"]
    assert blocks["encoder.final"] == ["encoder.final.weight", "encoder.final.bias"]


def test_a_list_inside_a_layer_is_part_of_the_layer() -> None:
    names = [block.name for block in blocks_of(Own(layers=2, experts=5)) if block.kind == "layer"]
    assert names == ["encoder.layer.0", "encoder.layer.1"]


def test_registration_decides_where_shapes_are_not_enough() -> None:
    assert module_call_order(AsksForValues()) is None
    blocks = {block.name: list(block.parameters) for block in blocks_of(AsksForValues())}
    assert blocks["encoder.embeddings"] == [
        f"encoder.embeddings.{name}" for name in ("scale", "norm.weight", "norm.bias", "table.weight")
    ]


def test_an_encoder_without_layers_is_one_block() -> None:
    blocks = blocks_of(nn.Sequential(nn.Embedding(20, 16), nn.Linear(16, 16)))
    assert [block.name for block in blocks] == ["encoder.layer.0", "pooler", "head"]
    assert list(blocks[0].parameters) == [f"encoder.layer.0.{n}" for n in ("0.weight", "1.weight", "1.bias")]


def test_a_tied_parameter_stands_in_the_lowest_of_its_blocks() -> None:
    encoder = Own()
    encoder.stack[1].experts[0].weight = encoder.stack[0].experts[0].weight
    blocks = {block.name: block.parameters for block in blocks_of(encoder)}
    assert "encoder.layer.0.experts.0.weight" in blocks["encoder.layer.0"]
    assert "encoder.layer.1.experts.0.weight" not in blocks["encoder.layer.1"]
