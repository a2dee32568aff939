"""Real steps of every adapter, against its paper's formula written in plain PyTorch; and peft's own merge."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from peft import get_peft_model
from torch import Tensor, nn
from torch.nn import functional

from frostline.instantiate import make
from prepared_run import PreparedRun
from reference_loop import ByHand, Read, Weights, assert_same, few_texts, watched

EPOCHS, R, ALPHA, TOKENS = 4, 4, 6.0, 5
WORDS = {
    "lora": ["adapter=lora", f"adapter.r={R}", f"adapter.alpha={ALPHA}"],
    "dora": ["adapter=dora", f"adapter.r={R}", f"adapter.alpha={ALPHA}"],
    "ia3": ["adapter=ia3"],
    "prompt": ["adapter=prompt", f"adapter.num_virtual_tokens={TOKENS}"],
    "prefix": ["adapter=prefix", f"adapter.num_virtual_tokens={TOKENS}", "adapter.projection=16"],
    "prefix, direct": ["adapter=prefix", f"adapter.num_virtual_tokens={TOKENS}", "adapter.projection=null"],
}


class Linear(nn.Module):
    """A pre-trained linear layer with what the paper adds to it; `own` are its parameters by peft's names."""

    def __init__(self, kind: str, base: nn.Linear, own: dict[str, nn.Parameter]) -> None:
        super().__init__()
        self.kind, self.base, self.own = kind, base, own

    def forward(self, x: Tensor) -> Tensor:
        w, b = self.base.weight, self.base.bias
        if self.kind == "lora":  # h = W x + alpha / r B A x
            return x @ (w + ALPHA / R * self.own["lora_B.weight"] @ self.own["lora_A.weight"]).T + b
        if self.kind == "dora":  # W' = m (W + dW) / |W + dW|, the norm of each output's row; no gradient through it
            v = w + ALPHA / R * self.own["lora_B.weight"] @ self.own["lora_A.weight"]
            rows = v.detach().square().sum(dim=1, keepdim=True).sqrt()
            return x @ (self.own["lora_magnitude_vector.weight"][:, None] * v / rows).T + b
        factors = self.own["ia3_l"]
        if factors.shape[0] == 1:  # the feed-forward part: (l * activation) W
            return (x * factors[0]) @ w.T + b
        return (x @ w.T + b) * factors[:, 0]  # l * k, l * v


class Adapted(ByHand):
    """BERT, a head and an adapter as one would train them without us or peft, from the adapter's first values."""

    def __init__(self, kind: str, config: dict[str, Any], start: Weights) -> None:
        super().__init__(config)
        self.kind = kind
        self.named = {name: nn.Parameter(value.clone()) for name, value in start.items() if ".adapter." in name}
        self.named |= {f"head.{name}": p for name, p in self.head.named_parameters()}
        if kind in ("lora", "dora", "ia3"):
            self._replace()

    def _replace(self) -> None:
        for i, layer in enumerate(self.model.encoder.layer):
            prefix = f"encoder.layer.{i}.adapter."
            own = {n.removeprefix(prefix): p for n, p in self.named.items() if n.startswith(prefix)}
            marks = ("lora", "ia3")
            for path in sorted({n[: min(n.index(m) for m in marks if m in n) - 1] for n in own}):
                parent, _, last = path.rpartition(".")
                inner = {n.removeprefix(f"{path}."): p for n, p in own.items() if n.startswith(f"{path}.")}
                setattr(layer.get_submodule(parent), last, Linear(self.kind, layer.get_submodule(path), inner))

    def rates(self, epoch: int) -> dict[str, float]:
        """Gradual unfreezing."""
        layers = {"encoder.layer.1": 1, "encoder.layer.0": 2, "encoder.embeddings": 1}
        thawed = {name for name, at in layers.items() if epoch >= at}
        return {n: 1.0 for n in self.named if n.startswith("head.") or n.split(".adapter.")[0] in thawed}

    def begin(self, epoch: int) -> dict[str, float]:
        """The dropout of a block acts where its adapter learns."""
        rates = super().begin(epoch)
        hosts = ["encoder.embeddings", "encoder.layer.0", "encoder.layer.1"]
        for host, block in zip(hosts, self.blocks(), strict=True):
            block.train(any(name.startswith(f"{host}.adapter.") for name in rates))
        return rates

    def states(self, texts: Any) -> Tensor:
        ids, mask = texts["input_ids"], texts["attention_mask"]
        if self.kind == "prompt":
            prompt = self.named["encoder.embeddings.adapter.embedding.weight"].expand(len(ids), -1, -1)
            words = torch.cat([prompt, self.model.embeddings.word_embeddings(ids)], dim=1)
            mask = torch.cat([torch.ones(len(ids), TOKENS, dtype=mask.dtype), mask], dim=1)
            return self.model(inputs_embeds=words, attention_mask=mask).last_hidden_state[:, TOKENS:]
        if self.kind == "prefix":
            return self._prefixed(ids, mask)
        return self.model(input_ids=ids, attention_mask=mask).last_hidden_state

    def _prefixed(self, ids: Tensor, mask: Tensor) -> Tensor:
        """BERT layer by layer: softmax(q [P_k; k]^T / sqrt(d)) [P_v; v]; positions are counted from the prefix."""
        own = {n.removeprefix("encoder.embeddings.adapter."): p for n, p in self.named.items() if ".adapter." in n}
        prefix = own["embedding.weight"]
        if "transform.0.weight" in own:
            hidden = torch.tanh(functional.linear(prefix, own["transform.0.weight"], own["transform.0.bias"]))
            prefix = functional.linear(hidden, own["transform.2.weight"], own["transform.2.bias"])
        places = torch.arange(ids.shape[1])[None] + TOKENS
        states = self.model.embeddings(input_ids=ids, position_ids=places)
        heads = self.model.config.num_attention_heads
        hide = torch.cat([torch.ones(len(ids), TOKENS, dtype=mask.dtype), mask], dim=1)[:, None, None] == 0
        layers = self.model.encoder.layer
        before = prefix.chunk(2 * len(layers), dim=1)  # keys of layer 0, its values, keys of layer 1 ...
        for i, layer in enumerate(layers):
            own_attention = layer.attention.self
            p_k, p_v = (_split(part.expand(len(ids), -1, -1), heads) for part in before[2 * i : 2 * i + 2])
            q = _split(own_attention.query(states), heads)
            k = torch.cat([p_k, _split(own_attention.key(states), heads)], dim=2)
            v = torch.cat([p_v, _split(own_attention.value(states), heads)], dim=2)
            scores = (q @ k.transpose(-1, -2) / math.sqrt(k.shape[-1])).masked_fill(hide, -torch.inf)
            mixed = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
            attended = layer.attention.output(mixed, states)
            states = layer.output(layer.intermediate(attended), attended)
        return states

    def read(self, rows: Any) -> Read:
        texts = self.ids([self.train.texts[i] for i in rows])
        return Read((self.states(texts),), texts["attention_mask"], self.labels(rows))


def _split(x: Tensor, heads: int) -> Tensor:
    """(B, T, D) -> (B, heads, T, D / heads)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


SLOW = ("dora",)  # LoRA's A and B, which are among those of the default suite, and a magnitude


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=pytest.mark.slow if kind in SLOW else ()) for kind in WORDS])
def test_real_steps_move_an_adapter_to_where_its_paper_s_formula_moves_it(job: Any, kind: str) -> None:
    """Head, top adapter, all: through every phase; and the encoder's own parameters stay to the bit."""
    found = job(*WORDS[kind], "freezing=gradual", *few_texts(100), f"trainer.max_epochs={EPOCHS}")
    seen, fit = watched(found)
    expected = Adapted(kind.split(",")[0], found.config, seen[0]).course()
    for after, by_hand in zip(seen, expected, strict=True):
        assert_same({name: after[name] for name in by_hand}, by_hand)
    moved = {name for name in seen[0] if not torch.equal(seen[0][name], seen[-1][name])}
    assert moved == expected[0].keys()
    for after in seen:
        assert all(torch.equal(after[name], seen[0][name]) for name in after.keys() - moved)
    if kind in ("lora", "dora", "ia3"):
        merged_by_peft_says_the_same(fit, found.config)


def merged_by_peft_says_the_same(fit: PreparedRun, config: dict[str, Any]) -> None:
    """The weights that were learned, in a model of peft's own, merged and unloaded."""
    encoder: Any = fit.classifier.model.encoder.eval()
    theirs: Any = get_peft_model(make(config["encoder"]), encoder.peft_config["default"])
    theirs.base_model.model.load_state_dict(encoder.state_dict())
    merged = theirs.merge_and_unload().eval()
    assert not any("lora" in name or "ia3" in name for name, _ in merged.named_parameters())
    rows = fit.built.tokens["test"].padded(np.arange(8))
    with torch.no_grad():
        states, plain = encoder(*rows), make(config["encoder"]).eval()(*rows)
        torch.testing.assert_close(merged(*rows), states, rtol=0, atol=1e-5)
    assert float((states - plain).abs().max()) > 1e-3, "what was learned changes what is said"
