"""A classifier trained as one would by hand, in plain PyTorch: the loop that parts of training are held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from frostline.chance import derive
from frostline.compose import command
from frostline.compose.making import make
from frostline.compose.parts import load_corpus
from frostline.data.batches import training_order
from frostline.fit import Fit
from frostline.store.folder import RunFolder

SEED, EPOCHS, BATCH, TEXTS = 1, 3, 16, 100  # 7 batches an epoch, the last with 4 texts
FEW = ["dataset=table", "dataset.train=few.csv", f"dataset.batch_size={BATCH}", f"trainer.max_epochs={EPOCHS}"]
FEW += ["dataset.val_share=0.1", "dataset.test_share=0.1", "trainer=cpu", "logger=csv"]
WARMUP, DECAY = 0.06, 0.01
Weights = dict[str, Tensor]
Loss = Callable[["ByHand", Any], Tensor]


@cache
def _reviews() -> str:
    [job] = command.jobs(["dataset=vader_movies"])
    train = load_corpus(job.config["dataset"]).train
    common = [i for i, label in enumerate(train.labels) if isinstance(label, int) and label > 0][: TEXTS * 5 // 4]
    columns = {"text": [train.texts[i] for i in common], "label": [f"class {train.labels[i]}" for i in common]}
    return pd.DataFrame(columns).to_csv()


def few_texts() -> None:
    """Writes few.csv: reading all reviews takes longer than the steps do."""
    Path("few.csv").write_text(_reviews())


def fit_of(found: Any, *callbacks: Any) -> Fit:
    """A run's own objects, before it learns."""
    place = RunFolder(found.folder)
    fit = Fit(found.config, {"id": found.id, "choices": found.choices, "overrides": found.overrides}, place, 1)
    fit.trainer.callbacks += callbacks  # type: ignore[attr-defined]  # Lightning sets it on itself
    return fit


def learned(found: Any, *callbacks: Any) -> Fit:
    """The same when it has learned."""
    about = {"id": found.id, "choices": found.choices, "overrides": found.overrides}
    with RunFolder(found.folder).claimed(about):
        fit = fit_of(found, *callbacks)
        fit.learn()
    return fit


class ByHand:
    """bert_tiny and a linear head on few.csv; parameters go by their names in the plan."""

    def __init__(self, config: dict[str, Any], learns: Callable[[str, int], bool] = lambda name, epoch: True) -> None:
        self.config, self.learns = config, learns
        torch.manual_seed(derive(SEED, "encoder"))
        wrapped = make(config["encoder"])
        self.model, self.tokenizer = wrapped.model, wrapped.tokenizer
        torch.manual_seed(derive(SEED, "head"))
        self.head = make(config["head"], width=wrapped.width, classes=2)
        self.named: dict[str, nn.Parameter] = {f"head.{n}": p for n, p in self.head.named_parameters()}
        for name, p in self.model.named_parameters():
            self.named[name if name.startswith("encoder.") else f"encoder.{name}"] = p
        self.train = load_corpus(config["dataset"]).train
        self.lengths = [len(self.ids([text])["input_ids"][0]) for text in self.train.texts]
        self.step = 0

    def ids(self, texts: Any) -> Any:
        return self.tokenizer(texts, truncation=True, max_length=128, padding=True, return_tensors="pt")

    def weights(self) -> Weights:
        return {name: p.detach().clone() for name, p in self.named.items()}

    def logits(self, rows: Any) -> Tensor:
        texts = self.ids([self.train.texts[i] for i in rows])
        states = self.model(**texts).last_hidden_state
        mask = texts["attention_mask"][..., None].float()
        found: Tensor = self.head((states * mask).sum(1) / mask.sum(1))
        return found

    def labels(self, rows: Any) -> Tensor:
        return torch.tensor([self.train.labels[i] for i in rows])

    def loss(self, rows: Any) -> Tensor:
        return nn.functional.cross_entropy(self.logits(rows), self.labels(rows))

    def batches(self, epoch: int) -> Any:
        return training_order(self.lengths, BATCH, derive(SEED, "order"), epoch)

    def steps(self, loss: Loss | None = None, factor: Callable[[float], float] | None = None) -> Iterator[int]:
        """Trains with AdamW; pauses after each step and tells its epoch. factor: on the rate, by progress."""
        groups = [{"params": [p], "weight_decay": DECAY if p.ndim > 1 else 0.0} for p in self.named.values()]
        optimizer = torch.optim.AdamW(groups, lr=1.0)
        total = sum(len(self.batches(epoch)) for epoch in range(EPOCHS))
        base = self.config["optimizer"]["lr"]
        for epoch in range(EPOCHS):
            self.begin(epoch)
            for rows in self.batches(epoch):
                progress = (self.step + 1) / (total + 1)
                usual = min(progress / WARMUP, (1 - progress) / (1 - WARMUP))
                for group in optimizer.param_groups:
                    group["lr"] = base * (usual if factor is None else factor(progress))
                torch.manual_seed(derive(SEED, "dropout", self.step, 0))
                optimizer.zero_grad()
                found = self.loss(rows) if loss is None else loss(self, rows)
                found.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
                nn.utils.clip_grad_norm_([p for p in self.named.values() if p.requires_grad], 1.0)
                optimizer.step()
                self.step += 1
                yield epoch

    def begin(self, epoch: int) -> None:
        """Freeze and thaw; an encoder in which nothing learns rests."""
        for name, p in self.named.items():
            p.requires_grad_(self.learns(name, epoch))
            p.grad = None
        self.model.train(any(p.requires_grad for p in self.model.parameters()))
        self.head.train()

    def run(self, loss: Loss | None = None, factor: Callable[[float], float] | None = None) -> Weights:
        """All steps, at least 20."""
        steps = len(list(self.steps(loss, factor)))
        assert steps >= 20
        return self.weights()


def assert_same(fit: Fit, expected: Weights, atol: float = 1e-5) -> None:
    """Attention takes no notice of a key's bias: its gradient is rounding alone, of which Adam makes steps."""
    ours = fit.classifier.engine.parameters
    assert {name.rpartition("LayerNorm")[2] for name in ours} == {n.rpartition("LayerNorm")[2] for n in expected}
    for name, value in expected.items():
        if not name.endswith("key.bias"):
            apart = float((ours[name].detach() - value.detach()).abs().max())
            assert apart <= atol, f"{name}: {apart:g}"
