"""Whole trainings, each in a process of its own, so that none inherits another's warm memory."""

from __future__ import annotations

import multiprocessing as mp
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from timing import settle

from frostline.config.jobs import jobs_of_command
from frostline.results.folder import RunFolder
from frostline.training.build import build
from frostline.training.trainer import attach
from prepared_run import described, prepare

THREADS = 2


def apart(function: Callable[..., Any], *told: Any) -> Any:
    """What `function` gives in a new process."""
    with mp.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, told)


def frostline(overrides: list[str], keeps: bool = True) -> float:
    """Seconds from the built parts to the end of training, validation after each epoch and resume points included.

    keeps: else each epoch reads its texts through the whole encoder, as it would without a frost line.
    """
    torch.set_num_threads(THREADS)
    [job] = jobs_of_command(["trainer=cpu", "logger=csv", *overrides])
    with tempfile.TemporaryDirectory() as folder:
        place = RunFolder(Path(folder))
        with place.claimed(described(job)):
            fit = prepare(job.config, described(job), place)
            if not keeps:
                attach(fit.classifier, fit.trainer, fit.data)
                fit.data.frozen_states.for_split = lambda *_: None  # type: ignore[method-assign]
            began = time.perf_counter()
            fit.fit()
            settle()
            return time.perf_counter() - began


def hugging_face(overrides: list[str], strategy: str) -> float:
    """The same of the Trainer with the encoder's parameters fixed, `train_sampling_strategy` as told."""
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )
    from transformers.utils import logging

    from frostline.models.encoders.auto_model import locate_checkpoint

    torch.set_num_threads(THREADS)
    logging.set_verbosity_error()
    [job] = jobs_of_command(["trainer=cpu", "logger=csv", *overrides])
    built = build(job.config)
    files = locate_checkpoint(job.config["encoder"]["name"], job.config["encoder"]["pin"])
    model: Any = AutoModelForSequenceClassification.from_pretrained(files, num_labels=len(built.corpus.classes))
    model.base_model.requires_grad_(False)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=folder,
                per_device_train_batch_size=job.config["dataset"]["batch_size"],
                per_device_eval_batch_size=max(64, job.config["dataset"]["batch_size"]),
                num_train_epochs=job.config["trainer"]["max_epochs"],
                train_sampling_strategy=strategy,
                eval_strategy="epoch",
                save_strategy="no",
                report_to="none",
                use_cpu=job.config["trainer"]["accelerator"] == "cpu",
                disable_tqdm=True,
                dataloader_pin_memory=False,
            ),
            train_dataset=_rows(built.tokens["train"]),  # type: ignore[arg-type]
            eval_dataset=_rows(built.tokens["val"]),  # type: ignore[arg-type]
            data_collator=DataCollatorWithPadding(AutoTokenizer.from_pretrained(files)),
        )
        began = time.perf_counter()
        trainer.train()
        settle()
        return time.perf_counter() - began


def _rows(tokens: Any) -> list[dict[str, Any]]:
    texts = torch.tensor_split(tokens.ids, tokens.starts[1:-1])
    return [{"input_ids": ids.tolist(), "labels": int(label)} for ids, label in zip(texts, tokens.labels, strict=True)]
