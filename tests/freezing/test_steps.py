"""Real steps of every strategy: what a paper says moves, and to where a loop in plain PyTorch moves it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from frostline.chance import derive
from frostline.compose import command
from frostline.compose.making import make
from frostline.compose.parts import load_corpus
from frostline.data.batches import training_order
from frostline.fit import Fit
from frostline.store.folder import RunFolder
from papers import SAID, Said, Where

SEED, EPOCHS, BATCH, LAYERS = 1, 5, 16, 2  # of bert_tiny
FEW = ["dataset=table", "dataset.train=few.csv", f"dataset.batch_size={BATCH}", f"trainer.max_epochs={EPOCHS}"]
WARMUP, DECAY = 0.06, 0.01
KINDS = ("full", "bitfit", "gradual", "chain_thaw", "lp_ft")  # one of each: all, some, thaws, restarts, other rates
FAST = [w for w in SAID if w.split()[0].partition("=")[2] in KINDS and not re.search(r"false|factor|decay", w)]
MOVING = [pytest.param(w, marks=[] if w in FAST else [pytest.mark.slow]) for w in SAID if w != "freezing=direct"]
Weights = dict[str, Tensor]


@cache
def few_texts() -> str:
    """Some reviews as a csv, less the rare class: reading all of them takes longer than the steps do."""
    [job] = command.jobs(["dataset=vader_movies"])
    train = load_corpus(job.config["dataset"]).train
    common = [i for i, label in enumerate(train.labels) if label > 0][:100]
    columns = {"text": [train.texts[i] for i in common], "label": [f"class {train.labels[i]}" for i in common]}
    return pd.DataFrame(columns).to_csv()


class Watch(pl.Callback):
    """Keeps all parameters of the model, by their names in BERT, before the first epoch and after each."""

    def __init__(self) -> None:
        self.seen: list[Weights] = []

    def _look(self, model: Any) -> None:
        named = {f"head.{name}": p for name, p in model.head.named_parameters()}
        named |= dict(model.encoder.model.named_parameters())
        self.seen.append({name: p.detach().clone() for name, p in named.items()})

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._look(pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._look(pl_module)


def watched(found: Any) -> list[Weights]:
    """The weights of a run, before its first epoch and after each."""
    watch = Watch()
    about = {"id": found.id, "choices": found.choices, "overrides": found.overrides}
    with RunFolder(found.folder).claimed(about):
        fit = Fit(found.config, about, RunFolder(found.folder), 1)
        fit.trainer.callbacks.append(watch)  # type: ignore[attr-defined]  # Lightning sets it on itself
        fit.learn()
    return watch.seen


def place(name: str) -> Where:
    """Where BERT's own names stand."""
    words = name.split(".")
    part = {"head": "head", "embeddings": "embeddings", "encoder": "layer"}[words[0]]
    layer = int(words[2]) if part == "layer" else -1
    return Where(part, layer, LAYERS, "LayerNorm" in words, words[-1] == "bias")


@dataclass
class ByHand:
    """A model and its head as one would train them without us."""

    config: dict[str, Any]
    said: Said

    def __post_init__(self) -> None:
        wrapped = make(self.config["encoder"])
        self.model, self.tokenizer = wrapped.model, wrapped.tokenizer
        torch.manual_seed(derive(SEED, "head"))
        self.head = make(self.config["head"], width=wrapped.width, classes=2).out
        self.named: dict[str, nn.Parameter] = {f"head.out.{n}": p for n, p in self.head.named_parameters()}
        self.named |= dict(self.model.named_parameters())
        self.train = load_corpus(self.config["dataset"]).train
        self.lengths = [len(self.ids([text])["input_ids"][0]) for text in self.train.texts]

    def ids(self, texts: list[str]) -> Any:
        return self.tokenizer(texts, truncation=True, max_length=128, padding=True, return_tensors="pt")

    def weights(self) -> Weights:
        return {name: p.detach().clone() for name, p in self.named.items()}

    def begin(self, epoch: int) -> dict[str, float]:
        """Freeze and thaw, and let the dropout of what is frozen rest; the rates of what learns."""
        rates = {name: self.said.rate(place(name), epoch) for name in self.named}
        for name, p in self.named.items():
            p.requires_grad_(rates[name] is not None)
            p.grad = None
        parts = {"embeddings.": self.model.embeddings}
        parts |= {f"encoder.layer.{i}.": layer for i, layer in enumerate(self.model.encoder.layer)}
        for prefix, part in parts.items():
            part.train(any(rates[name] is not None for name in self.named if name.startswith(prefix)))
        return {name: rate for name, rate in rates.items() if rate is not None}

    def loss(self, rows: Any) -> Tensor:
        texts = self.ids([self.train.texts[i] for i in rows])
        states = self.model(**texts).last_hidden_state
        mask = texts["attention_mask"][..., None].float()
        logits = self.head((states * mask).sum(1) / mask.sum(1))
        return nn.functional.cross_entropy(logits, torch.tensor([self.train.labels[i] for i in rows]))

    def optimizer(self) -> torch.optim.Optimizer:
        groups = [{"params": [p], "weight_decay": DECAY if p.ndim > 1 else 0.0} for p in self.named.values()]
        return torch.optim.AdamW(groups, lr=1.0)

    def run(self) -> list[Weights]:
        edges = [0, *self.said.restarts(LAYERS), EPOCHS]
        base, seen, step = self.config["optimizer"]["lr"], [self.weights()], 0
        for epoch in range(EPOCHS):
            rates, batches = self.begin(epoch), training_order(self.lengths, BATCH, derive(SEED, "order"), epoch)
            start = max(edge for edge in edges if edge <= epoch)
            end = min(edge for edge in edges if edge > epoch)
            if start == epoch:
                optimizer, done = self.optimizer(), 0
            for rows in batches:
                progress = (done + 1) / ((end - start) * len(batches) + 1)
                factor = min(progress / WARMUP, (1 - progress) / (1 - WARMUP))
                for name, group in zip(self.named, optimizer.param_groups, strict=True):
                    group["lr"] = base * factor * rates.get(name, 0.0)
                torch.manual_seed(derive(SEED, "dropout", step, 0))
                optimizer.zero_grad()
                self.loss(rows).backward()  # type: ignore[no-untyped-call]  # torch has no type for it
                nn.utils.clip_grad_norm_([p for p in self.named.values() if p.requires_grad], 1.0)
                optimizer.step()
                step, done = step + 1, done + 1
            seen.append(self.weights())
        assert step >= 20
        return seen


@pytest.mark.parametrize("words", MOVING)
def test_real_steps_move_what_the_paper_says_to_where_plain_pytorch_moves_it(job: Any, words: str) -> None:
    """In every epoch, and so after every phase: exactly what learns moves, the rest stays to the bit.

    Attention takes no notice of a key's bias: its gradient is rounding alone, of which Adam makes steps.
    """
    Path("few.csv").write_text(few_texts())
    found = job(*words.split(), *FEW, "trainer=cpu")
    seen, expected = watched(found), ByHand(found.config, SAID[words]).run()
    assert len(seen) == len(expected) == EPOCHS + 1
    for epoch in range(EPOCHS):
        before, after = seen[epoch], seen[epoch + 1]
        moved = {name for name in before if not torch.equal(before[name], after[name])}
        assert moved == {name for name in before if SAID[words].rate(place(name), epoch) is not None}, f"epoch {epoch}"
        for name, value in expected[epoch + 1].items():
            if not name.endswith("key.bias"):
                torch.testing.assert_close(after[name], value, rtol=0, atol=1e-5, msg=f"{name}, epoch {epoch}")
