"""Three ways to fine-tune the same encoder on given batches."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from segments import Batches
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.utils import logging
from turns import Turn

from frostline.config.jobs import Job
from frostline.data.batches import Rows
from frostline.data.loader import BatchLoader
from frostline.data.tokens import Tokens
from frostline.models.encoders.auto_model import locate_checkpoint
from frostline.results.folder import RunFolder
from frostline.training.build import build
from prepared_run import PreparedRun, described, prepare

THREADS, SAVES = 2, 5


@dataclass
class Frostline:
    """The real path, `fit` with its Trainer; after the race, the seconds that a resume point takes to write."""

    job: Job
    batches: Batches

    def __call__(self, turn: Turn) -> dict[str, float]:
        torch.set_num_threads(THREADS)
        with tempfile.TemporaryDirectory() as folder:
            place = RunFolder(Path(folder))
            with place.claimed(described(self.job)):
                fit = prepare(self.job.config, described(self.job), place)
                fit.data.train_dataloader = lambda: self._loader(fit)  # type: ignore[method-assign]
                fit.trainer.callbacks.append(_LightningStep(turn))
                fit.fit()
                return {"resume point": _seconds_to_save(fit)}

    def _loader(self, fit: PreparedRun) -> BatchLoader:
        tokens = fit.built.tokens["train"]
        rows = [Rows(batch, len(batch), len(batch)) for batch in self.batches]
        return BatchLoader(tokens, len(rows), lambda: rows, lambda: fit.data.frozen_states.for_split("train", tokens))


class _LightningStep(pl.Callback):
    def __init__(self, turn: Turn) -> None:
        self.turn = turn

    def on_train_batch_end(self, *args: Any) -> None:
        self.turn.end()


def _seconds_to_save(fit: PreparedRun) -> float:
    began = time.perf_counter()
    for _ in range(SAVES):
        fit.callbacks.resume.save(fit.trainer)
    return (time.perf_counter() - began) / SAVES


@dataclass
class HuggingFace:
    """The Trainer's defaults with dynamic padding: nothing evaluated, saved or reported."""

    job: Job
    batches: Batches

    def __call__(self, turn: Turn) -> dict[str, float]:
        torch.set_num_threads(THREADS)
        logging.set_verbosity_error()
        files, tokens, model = _parts(self.job)
        with tempfile.TemporaryDirectory() as folder:
            _InOrder(
                model=model,
                args=TrainingArguments(
                    output_dir=folder,
                    per_device_train_batch_size=len(self.batches[0]),
                    num_train_epochs=1,
                    save_strategy="no",
                    report_to="none",
                    use_cpu=True,
                    disable_tqdm=True,
                    dataloader_pin_memory=False,  # without a GPU it only warns
                ),
                train_dataset=[
                    {"input_ids": _text(tokens, row).tolist(), "labels": int(tokens.labels[row])}
                    for batch in self.batches
                    for row in batch.tolist()
                ],
                data_collator=DataCollatorWithPadding(AutoTokenizer.from_pretrained(files)),
                callbacks=[_HuggingFaceStep(turn)],
            ).train()
        return {}


class _InOrder(Trainer):
    """The Trainer as it is, but for the order of its texts: that of the given batches."""

    def _get_train_sampler(self, *args: Any) -> Any:
        return torch.utils.data.SequentialSampler(self.train_dataset)  # type: ignore[arg-type]


class _HuggingFaceStep(TrainerCallback):
    def __init__(self, turn: Turn) -> None:
        self.turn = turn

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        self.turn.end()


@dataclass
class ByHand:
    """Plain PyTorch, as fast as it is short."""

    job: Job
    batches: Batches

    def __call__(self, turn: Turn) -> dict[str, float]:
        torch.set_num_threads(THREADS)
        _, tokens, model = _parts(self.job)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
        for batch in self.batches:
            texts = [_text(tokens, row) for row in batch.tolist()]
            ids = pad_sequence(texts, batch_first=True)
            mask = pad_sequence([torch.ones_like(text) for text in texts], batch_first=True)
            model(input_ids=ids, attention_mask=mask, labels=tokens.labels[torch.from_numpy(batch)]).loss.backward()
            clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            turn.end()
        return {}


def _parts(job: Job) -> tuple[str, Tokens, Any]:
    """The encoder's files, the training texts, and transformers' own classifier, ready to learn."""
    built = build(job.config)
    files = locate_checkpoint(job.config["encoder"]["name"], job.config["encoder"]["pin"])
    model = AutoModelForSequenceClassification.from_pretrained(files, num_labels=len(built.corpus.classes))
    return files, built.tokens["train"], model.train()


def _text(tokens: Tokens, row: int) -> torch.Tensor:
    return tokens.ids[tokens.starts[row] : tokens.starts[row + 1]].long()
