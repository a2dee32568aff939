"""Training as one would write it without us, in plain PyTorch: what runs with parts that learn are held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
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

SEED, BATCH = 1, 16
DATA = ["dataset=table", "dataset.train=few.csv", f"dataset.batch_size={BATCH}", "trainer=cpu", "trainer.monitor=null"]


@cache
def _few(count: int) -> str:
    """Real reviews of the two common classes: reading all of them takes longer than the steps do."""
    [job] = command.jobs(["dataset=vader_movies"])
    train = load_corpus(job.config["dataset"]).train
    common = [i for i, label in enumerate(train.labels) if label > 0][:count]  # type: ignore[operator]  # one class each
    columns = {"text": [train.texts[i] for i in common], "label": [f"class {train.labels[i]}" for i in common]}
    return pd.DataFrame(columns).to_csv()


def few_texts(count: int = 100) -> list[str]:
    """Writes few.csv; the words of the command line that read it."""
    Path("few.csv").write_text(_few(count))
    return DATA


def done(found: Any, learn: bool = True) -> Fit:
    """A run's own objects, after it has learned."""
    about = {"id": found.id, "choices": found.choices, "overrides": found.overrides}
    with RunFolder(found.folder).claimed(about):
        fit = Fit(found.config, about, RunFolder(found.folder), 1)
        if learn:
            fit.learn()
    return fit


@dataclass(frozen=True)
class Read:
    """What the encoder gives for some texts: the states after each layer (B, T, D), mask and labels."""

    layers: tuple[Tensor, ...]
    mask: Tensor
    labels: Tensor

    def mean(self) -> Tensor:
        mask = self.mask[..., None].float()
        return (self.layers[-1] * mask).sum(1) / mask.sum(1)


class ByHand:
    """An encoder, its texts, and a loop of AdamW with the default schedule over the batches of a run."""

    def __init__(self, config: dict[str, Any]) -> None:
        wrapped = make(config["encoder"])
        self.config, self.model, self.tokenizer, self.width = config, wrapped.model, wrapped.tokenizer, wrapped.width
        self.train = load_corpus(config["dataset"]).train
        self.lengths = [len(self.tokenizer(text)["input_ids"]) for text in self.train.texts]

    def head(self, **supplied: Any) -> Any:
        """As a run draws it."""
        torch.manual_seed(derive(SEED, "head"))
        return make(self.config["head"], **{"width": self.width, "classes": 2} | supplied)

    def read(self, rows: Any) -> Read:
        texts = self.tokenizer([self.train.texts[i] for i in rows], padding=True, return_tensors="pt")
        states = self.model(**texts, output_hidden_states=True).hidden_states
        return Read(states, texts["attention_mask"], torch.tensor([self.train.labels[i] for i in rows]))

    def run(self, named: Mapping[str, nn.Parameter], loss: Callable[[Any, int], Tensor], frozen: bool) -> int:
        """Trains `named` in place by the loss of each batch's rows and step; how many steps there were."""
        epochs, base = self.config["trainer"]["max_epochs"], self.config["optimizer"]["lr"]
        self.model.train(not frozen)
        self.model.requires_grad_(not frozen)
        groups = [{"params": [p], "weight_decay": 0.01 if p.ndim > 1 else 0.0} for p in named.values()]
        optimizer, step = torch.optim.AdamW(groups, lr=1.0), 0
        for epoch in range(epochs):
            batches = training_order(self.lengths, self.config["dataset"]["batch_size"], derive(SEED, "order"), epoch)
            for rows in batches:
                progress = (step + 1) / (epochs * len(batches) + 1)
                for group in optimizer.param_groups:
                    group["lr"] = base * min(progress / 0.06, (1 - progress) / 0.94)
                torch.manual_seed(derive(SEED, "dropout", step, 0))
                optimizer.zero_grad()
                loss(rows, step).backward()  # type: ignore[no-untyped-call]  # torch has no type for it
                nn.utils.clip_grad_norm_(named.values(), 1.0)
                optimizer.step()
                step += 1
        return step

    def encoder(self) -> dict[str, nn.Parameter]:
        """By the names of BERT in a plan."""
        named = {f"encoder.{name}": p for name, p in self.model.named_parameters()}
        return {name.replace("encoder.encoder.", "encoder."): p for name, p in named.items()}

    @torch.no_grad()
    def vectors(self) -> np.ndarray:
        """Of all training texts (N, D), each alone, as the encoder is now."""
        self.model.eval()
        return torch.cat([self.read([i]).mean() for i in range(len(self.train))]).numpy()


def same(learned: Mapping[str, Tensor], expected: Mapping[str, Tensor], tolerance: float = 1e-5) -> None:
    """Equal parameters, but for a key's bias: attention takes no notice of it, and Adam makes steps of rounding."""
    assert learned.keys() == expected.keys()
    for name, value in expected.items():
        if not name.endswith("key.bias"):
            torch.testing.assert_close(learned[name], value.detach(), rtol=0, atol=tolerance, msg=name)
