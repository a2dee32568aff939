"""A training loop written by hand in plain PyTorch, with which tests compare the parts of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from frostline.config import jobs as command
from frostline.data.batches import training_order
from frostline.data.build import load_corpus
from frostline.instantiate import make
from frostline.seeding import derive_seed
from prepared_run import PreparedRun, trained_run

SEED, EPOCHS, BATCH = 1, 3, 16
DATA = ["dataset=table", "dataset.train=few.csv", f"dataset.batch_size={BATCH}", "trainer=cpu", "logger=csv"]
FEW = [*DATA, f"trainer.max_epochs={EPOCHS}", "dataset.val_share=0.1", "dataset.test_share=0.1"]  # 100 of 125 train
LAST = "trainer.monitor=null"
WARMUP, DECAY = 0.06, 0.01
Weights = dict[str, Tensor]
Named = Mapping[str, nn.Parameter]
Loss = Callable[[Any], Tensor]


@cache
def _reviews(count: int) -> str:
    [job] = command.jobs_of_command(["dataset=vader_movies"])
    train = load_corpus(job.config["dataset"]).train
    common = [i for i, label in enumerate(train.labels) if isinstance(label, int) and label > 0][:count]
    columns = {"text": [train.texts[i] for i in common], "label": [f"class {train.labels[i]}" for i in common]}
    return pd.DataFrame(columns).to_csv()


def few_texts(count: int = 125) -> list[str]:
    """Write few.csv with `count` reviews, and return the overrides of a run on it that keeps the last epoch."""
    Path("few.csv").write_text(_reviews(count))
    return [*DATA, LAST]


class Watch(pl.Callback):
    """Records all parameters by plan name, before the first epoch and after each."""

    def __init__(self) -> None:
        self.seen: list[Weights] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.seen.append(weights_of(pl_module))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.seen.append(weights_of(pl_module))


def weights_of(model: Any) -> Weights:
    return {name: p.detach().clone() for name, p in model.engine.parameters.items()}


def watched(job: Any) -> tuple[list[Weights], PreparedRun]:
    """Return the weights of a run before its first epoch and after each, and the run."""
    watch = Watch()
    run = trained_run(job, watch)
    return watch.seen, run


@dataclass(frozen=True)
class Read:
    """The output of the encoder for some texts: the states after each layer (B, T, D), mask and labels."""

    layers: tuple[Tensor, ...]
    mask: Tensor
    labels: Tensor

    def mean(self) -> Tensor:
        mask = self.mask[..., None].float()
        return (self.layers[-1] * mask).sum(1) / mask.sum(1)


class ByHand:
    """A BERT encoder and a head that are trained on few.csv; parameters have their plan names."""

    def __init__(self, config: dict[str, Any], learns: Callable[[str, int], bool] = lambda name, epoch: True) -> None:
        self.config, self.learns = config, learns
        torch.manual_seed(derive_seed(SEED, "encoder"))
        wrapped = make(config["encoder"])
        self.model, self.tokenizer, self.width = wrapped.model, wrapped.tokenizer, wrapped.width
        torch.manual_seed(derive_seed(SEED, "head"))
        self.head = make(config["head"], width=self.width, classes=2, names=["class 1", "class 2"])
        self.named: Named = {f"head.{n}": p for n, p in self.head.named_parameters()} | self.encoder()
        self.train = load_corpus(config["dataset"]).train
        self.lengths = [len(self.ids([text])["input_ids"][0]) for text in self.train.texts]
        self.step, self.seen = 0, list[Weights]()  # seen: as each epoch began
        self.restarts = range(0)  # epochs before which optimizer and schedule begin anew

    def encoder(self) -> dict[str, nn.Parameter]:
        named = {f"encoder.{name}": p for name, p in self.model.named_parameters()}
        return {name.replace("encoder.encoder.", "encoder."): p for name, p in named.items()}

    def ids(self, texts: Any) -> Any:
        return self.tokenizer(texts, truncation=True, max_length=128, padding=True, return_tensors="pt")

    def weights(self) -> Weights:
        return {name: p.detach().clone() for name, p in self.named.items()}

    def read(self, rows: Any) -> Read:
        texts = self.ids([self.train.texts[i] for i in rows])
        states = self.model(**texts, output_hidden_states=True).hidden_states
        return Read(states, texts["attention_mask"], self.labels(rows))

    @torch.no_grad()
    def vectors(self) -> np.ndarray:
        """Return the vectors (N, D) of all training texts, each encoded alone, with the present weights."""
        self.model.eval()
        return torch.cat([self.read([i]).mean() for i in range(len(self.train))]).numpy()

    def logits(self, rows: Any) -> Tensor:
        logits: Tensor = self.head(self.read(rows).mean())
        return logits

    def labels(self, rows: Any) -> Tensor:
        return torch.tensor([self.train.labels[i] for i in rows])

    def loss(self, rows: Any) -> Tensor:
        return nn.functional.cross_entropy(self.logits(rows), self.labels(rows))

    def batches(self, epoch: int) -> Any:
        return training_order(self.lengths, self.config["dataset"]["batch_size"], derive_seed(SEED, "order"), epoch)

    def optimizer(self) -> torch.optim.Optimizer:
        """Return AdamW with one group for each parameter; vectors have no weight decay."""
        decays = {name: p.ndim > 1 and min(p.shape) > 1 for name, p in self.named.items()}
        groups = [{"params": [p], "weight_decay": DECAY * decays[name]} for name, p in self.named.items()]
        return torch.optim.AdamW(groups, lr=1.0)

    def steps(self, loss: Loss | None = None) -> Iterator[int]:
        """Train with AdamW, and yield the epoch after each step."""
        for start, end in pairwise([0, *self.restarts, self.config["trainer"]["max_epochs"]]):
            yield from self.stretch(range(start, end), loss or self.loss)

    def stretch(self, epochs: range, loss: Loss) -> Iterator[int]:
        """Train some epochs with one optimizer and one schedule."""
        optimizer, before, total = self.optimizer(), self.step, sum(len(self.batches(epoch)) for epoch in epochs)
        for epoch in epochs:
            rates = self.begin(epoch)
            for rows in self.batches(epoch):
                progress = (self.step - before + 1) / (total + 1)
                scale = self.config["optimizer"]["lr"] * min(progress / WARMUP, (1 - progress) / (1 - WARMUP))
                for name, group in zip(self.named, optimizer.param_groups, strict=True):
                    group["lr"] = scale * rates.get(name, 0.0)
                torch.manual_seed(derive_seed(SEED, "dropout", self.step, 0))
                optimizer.zero_grad()
                loss(rows).backward()  # type: ignore[no-untyped-call]  # torch has no type for it
                nn.utils.clip_grad_norm_([p for p in self.named.values() if p.requires_grad], 1.0)
                optimizer.step()
                self.step += 1
                yield epoch

    def rates(self, epoch: int) -> dict[str, float]:
        """Return the multipliers of the trainable parameters."""
        return {name: 1.0 for name in self.named if self.learns(name, epoch)}

    def begin(self, epoch: int) -> dict[str, float]:
        """Freeze and unfreeze parameters, and put frozen blocks into eval mode."""
        self.seen.append(self.weights())
        rates = self.rates(epoch)
        self.model.requires_grad_(False)
        for name, p in self.named.items():
            p.requires_grad_(name in rates)
            p.grad = None
        for block in self.blocks():
            block.train(any(p.requires_grad for p in block.parameters()))
        self.head.train()
        return rates

    def blocks(self) -> list[nn.Module]:
        """Return all modules with dropout."""
        return [self.model.embeddings, *self.model.encoder.layer]

    def run(self, loss: Loss | None = None, named: Named | None = None) -> Weights:
        """Take all steps, at least 20, and return the weights; named: the parameters to train, by default all."""
        self.named = self.named if named is None else named
        steps = len(list(self.steps(loss)))
        assert steps >= 20
        return self.weights()

    def course(self) -> list[Weights]:
        """Return the weights before the first epoch and after each."""
        last = self.run()
        return [*self.seen, last]


def assert_same(learned: Mapping[str, Tensor], expected: Mapping[str, Tensor], atol: float = 1e-5) -> None:
    """Compare weights, except for the bias of keys: attention ignores it, so that its gradient is rounding error."""
    assert learned.keys() == expected.keys()
    for name, value in expected.items():
        if not name.endswith("key.bias"):
            apart = float((learned[name].detach() - value.detach()).abs().max())
            assert apart <= atol, f"{name}: {apart:g}"
