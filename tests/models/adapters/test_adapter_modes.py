"""What acts while an adapter learns: whose dropout, and states that are computed again on the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn

from families import SMALL
from frostline.errors import UserError
from frostline.models.build import build_model
from frostline.models.encoders.pretrained import Pretrained
from frostline.training.phases import PhaseEngine
from parts import plan_of

Job = Callable[..., Any]
TEXTS = torch.tensor([[101, 2045, 2003, 102], [101, 2204, 102, 0]]), torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])


class InTraining:
    """A model in the last phase of its plan, in the modes that a training step finds it in."""

    def __init__(self, config: dict[str, Any]) -> None:
        blocks, self.parts = build_model(config, ["a", "b", "c"])
        self.engine = PhaseEngine(plan_of(config, blocks), blocks)
        self.engine.enter(len(self.engine.plan.phases) - 1)
        for module in self.parts.values():
            module.train()
        self.engine.set_eval_mode()
        self.layers = self.parts["encoder"].model.encoder.layer  # type: ignore[union-attr]  # BERT

    def gradients(self) -> dict[str, Tensor]:
        torch.manual_seed(3)
        states = self.parts["encoder"](*TEXTS)
        loss = nn.functional.cross_entropy(self.parts["head"](self.parts["pooler"](states, TEXTS[1])), TEXTS[1][:, 0])
        loss.backward()
        return {name: p.grad for name, p in self.engine.parameters.items() if p.grad is not None}


def dropouts(module: nn.Module) -> set[bool]:
    """The modes of the dropout layers in it."""
    return {part.training for part in module.modules() if isinstance(part, nn.Dropout)}


def test_dropout_acts_in_the_layers_whose_adapter_learns_the_host_s_and_the_adapter_s_own(job: Job) -> None:
    model = InTraining(job("adapter=lora", "adapter.dropout=0.1", "freezing=top_k").config)
    assert dropouts(model.layers[1]) == {True}
    assert dropouts(model.layers[0]) == dropouts(model.parts["encoder"].model.embeddings) == {False}


def test_beside_virtual_tokens_the_dropout_of_the_embeddings_acts_alone(job: Job) -> None:
    model = InTraining(job("adapter=prompt").config)
    assert dropouts(model.parts["encoder"].model.embeddings) == {True}
    assert dropouts(model.layers) == {False}


def test_before_the_adapter_learns_all_of_its_host_rests(job: Job) -> None:
    model = InTraining(job("adapter=lora", "adapter.dropout=0.1", "freezing=lp_ft").config)
    model.engine.enter(0)
    model.parts["encoder"].train()
    model.engine.set_eval_mode()
    assert dropouts(model.parts["encoder"]) == {False}
    assert model.engine.encoder_is_frozen()


@pytest.mark.parametrize(
    "words",
    [
        "freezing=top_k",
        "freezing=full",
        "adapter=lora freezing=top_k",
        "adapter=lora",
        "adapter=prompt",
        "adapter=prefix",
    ],
)
def test_states_computed_again_give_the_same_gradients_above_frozen_blocks(job: Job, words: str) -> None:
    """Wherever something learns, and each layer that is in training mode is passed twice."""
    plain = InTraining(job(*words.split()).config)
    again = InTraining(job(*words.split(), "encoder.gradient_checkpointing=true").config)
    passes: list[int] = []
    for i, layer in enumerate(again.layers):
        layer.attention.register_forward_hook(lambda *_, i=i: passes.append(i))
    expected, found = plain.gradients(), again.gradients()
    assert found.keys() == expected.keys() == {n for n in plain.engine.parameters if plain.engine.phase.trains(n)}
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=0, atol=1e-6, msg=name)
        assert bool(gradient.any()) or name.endswith(("lora_A.weight", "key.bias")), name  # B begins as zero
    assert [passes.count(i) for i in range(2)] == [1 + layer.training for layer in again.layers]


def test_a_family_that_computes_nothing_again_is_refused(tmp_path: Any) -> None:
    transformers.XLNetConfig(vocab_size=60, d_model=16, n_layer=2, n_head=2, d_inner=24).save_pretrained(tmp_path)
    with pytest.raises(
        UserError, match=r"encoder\.gradient_checkpointing: this family computes nothing again; set it to false"
    ):
        Pretrained(str(tmp_path), gradient_checkpointing=True, weights=False)
    transformers.BertConfig(**SMALL).save_pretrained(tmp_path / "bert")
    assert Pretrained(str(tmp_path / "bert"), gradient_checkpointing=True, weights=False).width == 16
