"""Real steps of every adapter, against its paper's formula written in plain PyTorch; and peft's own merge."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import pytest
import torch
from peft import get_peft_model
from torch import Tensor, nn
from torch.nn import functional

from frostline.chance import derive
from frostline.compose import command
from frostline.compose.making import make
from frostline.compose.parts import load_corpus
from frostline.data.batches import training_order
from frostline.fit import Fit
from frostline.store.folder import RunFolder

EPOCHS, BATCH, SEED, R, ALPHA, TOKENS = 4, 16, 1, 4, 6.0, 5
WORDS = {
    "lora": ["adapter=lora", f"adapter.r={R}", f"adapter.alpha={ALPHA}"],
    "dora": ["adapter=dora", f"adapter.r={R}", f"adapter.alpha={ALPHA}"],
    "ia3": ["adapter=ia3"],
    "prompt": ["adapter=prompt", f"adapter.tokens={TOKENS}"],
    "prefix": ["adapter=prefix", f"adapter.tokens={TOKENS}", "adapter.projection=16"],
    "prefix, direct": ["adapter=prefix", f"adapter.tokens={TOKENS}", "adapter.projection=null"],
}
Weights = dict[str, Tensor]


@cache
def few_texts() -> str:
    [job] = command.jobs(["dataset=vader_movies"])
    train = load_corpus(job.config["dataset"]).train
    common = [i for i, label in enumerate(train.labels) if label > 0][:100]
    columns = {"text": [train.texts[i] for i in common], "label": [f"class {train.labels[i]}" for i in common]}
    return pd.DataFrame(columns).to_csv()


class Watch(pl.Callback):
    """Keeps all parameters by their names in the plan, before the first epoch and after each."""

    def __init__(self) -> None:
        self.seen: list[Weights] = []

    def _look(self, model: Any) -> None:
        self.seen.append({name: p.detach().clone() for name, p in model.engine.parameters.items()})

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._look(pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._look(pl_module)


def trained(found: Any) -> tuple[list[Weights], Fit]:
    """The weights of a run, before its first epoch and after each, and the run."""
    watch = Watch()
    about = {"id": found.id, "choices": found.choices, "overrides": found.overrides}
    with RunFolder(found.folder).claimed(about):
        fit = Fit(found.config, about, RunFolder(found.folder), 1)
        fit.trainer.callbacks.append(watch)  # type: ignore[attr-defined]  # Lightning sets it on itself
        fit.learn()
    return watch.seen, fit


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


class ByHand:
    """BERT, a head and an adapter as one would train them without us or peft, from the run's first values."""

    def __init__(self, kind: str, config: dict[str, Any], start: Weights) -> None:
        self.kind, self.config = kind, config
        wrapped = make(config["encoder"])
        self.model, self.tokenizer = wrapped.model, wrapped.tokenizer
        for p in self.model.parameters():
            p.requires_grad_(False)
        learning = {n: v for n, v in start.items() if ".adapter." in n or n.startswith("head.")}
        self.named = {name: nn.Parameter(value.clone()) for name, value in learning.items()}
        self.train = load_corpus(config["dataset"]).train
        self.lengths = [len(self.tokenizer(text)["input_ids"]) for text in self.train.texts]
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

    def begin(self, epoch: int) -> set[str]:
        """Gradual unfreezing: what learns in an epoch, and the dropout of what does."""
        layers = {"encoder.layer.1": 1, "encoder.layer.0": 2, "encoder.embeddings": 1}
        thawed = {name for name, at in layers.items() if epoch >= at}
        learns = {n for n in self.named if n.startswith("head.") or n.split(".adapter.")[0] in thawed}
        self.model.eval()
        inside = self.kind in ("lora", "dora", "ia3")
        for i, layer in enumerate(self.model.encoder.layer):
            layer.train(inside and f"encoder.layer.{i}" in thawed)
        self.model.embeddings.train(not inside and "encoder.embeddings" in thawed)
        for name, p in self.named.items():
            p.requires_grad_(name in learns)
            p.grad = None
        return learns

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

    def loss(self, rows: Any) -> Tensor:
        given = [self.train.texts[i] for i in rows]
        texts = self.tokenizer(given, truncation=True, max_length=128, padding=True, return_tensors="pt")
        mask = texts["attention_mask"][..., None].float()
        vectors = (self.states(texts) * mask).sum(1) / mask.sum(1)
        logits = functional.linear(vectors, self.named["head.out.weight"], self.named["head.out.bias"])
        return functional.cross_entropy(logits, torch.tensor([self.train.labels[i] for i in rows]))

    def run(self) -> list[Weights]:
        base, step = self.config["optimizer"]["lr"], 0
        groups = [
            {"params": [p], "weight_decay": 0.01 if p.ndim > 1 and min(p.shape) > 1 else 0.0}
            for p in self.named.values()
        ]
        optimizer = torch.optim.AdamW(groups, lr=1.0)
        seen = [{name: p.detach().clone() for name, p in self.named.items()}]
        for epoch in range(EPOCHS):
            learns, batches = self.begin(epoch), training_order(self.lengths, BATCH, derive(SEED, "order"), epoch)
            for rows in batches:
                progress = (step + 1) / (EPOCHS * len(batches) + 1)
                for name, group in zip(self.named, optimizer.param_groups, strict=True):
                    rate = base * min(progress / 0.06, (1 - progress) / 0.94)
                    group["lr"] = rate if name in learns else 0.0
                torch.manual_seed(derive(SEED, "dropout", step, 0))
                optimizer.zero_grad()
                self.loss(rows).backward()  # type: ignore[no-untyped-call]  # torch has no type for it
                nn.utils.clip_grad_norm_([self.named[name] for name in learns], 1.0)
                optimizer.step()
                step += 1
            seen.append({name: p.detach().clone() for name, p in self.named.items()})
        assert step >= 20
        return seen


def _split(x: Tensor, heads: int) -> Tensor:
    """(B, T, D) -> (B, heads, T, D / heads)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


SLOW = ("dora",)  # LoRA's A and B, which are among those of the default suite, and a magnitude


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=pytest.mark.slow if kind in SLOW else ()) for kind in WORDS])
def test_real_steps_move_an_adapter_to_where_its_paper_s_formula_moves_it(job: Any, kind: str) -> None:
    """Head, top adapter, all: through every phase; and the encoder's own parameters stay to the bit."""
    Path("few.csv").write_text(few_texts())
    words = ["dataset=table", "dataset.train=few.csv", f"dataset.batch_size={BATCH}", f"trainer.max_epochs={EPOCHS}"]
    found = job(*WORDS[kind], "freezing=gradual", *words, "trainer=cpu", "trainer.monitor=null")
    seen, fit = trained(found)
    expected = ByHand(kind.split(",")[0], found.config, seen[0]).run()
    for epoch in range(EPOCHS + 1):
        for name, value in seen[epoch].items():
            if name in expected[epoch]:
                torch.testing.assert_close(value, expected[epoch][name], rtol=0, atol=1e-5, msg=f"{name}, {epoch}")
            else:
                assert torch.equal(value, seen[0][name]), name
    moved = [name for name in expected[0] if not torch.equal(seen[0][name], seen[-1][name])]
    assert moved == list(expected[0])
    if kind in ("lora", "dora", "ia3"):
        merged_by_peft_says_the_same(fit, found.config)


def merged_by_peft_says_the_same(fit: Fit, config: dict[str, Any]) -> None:
    """The weights that were learned, in a model of peft's own, merged and unloaded."""
    encoder: Any = fit.classifier.encoder.eval()
    theirs: Any = get_peft_model(make(config["encoder"]), encoder.peft_config["default"])
    theirs.base_model.model.load_state_dict(encoder.state_dict())
    merged = theirs.merge_and_unload().eval()
    assert not any("lora" in name or "ia3" in name for name, _ in merged.named_parameters())
    rows = fit.built.tokens["test"].padded(np.arange(8))
    with torch.no_grad():
        states, plain = encoder(*rows), make(config["encoder"]).eval()(*rows)
        torch.testing.assert_close(merged(*rows), states, rtol=0, atol=1e-5)
    assert float((states - plain).abs().max()) > 1e-3, "what was learned changes what is said"
