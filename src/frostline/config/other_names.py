"""Names of settings in transformers, Lightning, peft and scikit-learn, and the overrides that do the same here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frostline.errors import Problem

VALUE = "{value}"
LABELS = "the classes are those of the data set: remove it"
BEST_EPOCH = "the best epoch by trainer.monitor is always used: remove it"
ONE_BATCH_SIZE = "dataset.batch_size is that of training and evaluation: remove it"
# name -> overrides with {value} for the value, or what to do for each value; a sentence if there is no such key
OTHER_NAMES: dict[str, str | Mapping[str, str]] = {
    # transformers
    "adam_epsilon": "optimizer.eps={value}",
    "bf16": {"true": "trainer.precision=bf16-mixed", "false": "remove it"},
    "do_eval": {"true": "remove it: validation after each epoch is the default", "false": "trainer.monitor=null"},
    "eval_strategy": "validation is after every epoch: trainer.check_val_every_n_epoch",
    "evaluation_strategy": "validation is after every epoch: trainer.check_val_every_n_epoch",
    "fp16": {"true": "trainer.precision=16-mixed", "false": "remove it"},
    "gradient_accumulation_steps": "trainer.accumulate_grad_batches={value}",
    "label_names": LABELS,
    "label_smoothing_factor": "loss.label_smoothing={value}",
    "load_best_model_at_end": BEST_EPOCH,
    "lr_scheduler_type": {
        "linear": "scheduler=linear_warmup",
        "cosine": "scheduler=cosine",
        "constant": "scheduler=constant",
    },
    "max_grad_norm": "trainer.gradient_clip_val={value}",
    "max_seq_length": "dataset.max_length={value}",
    "max_steps": "the length of a run is in epochs: trainer.max_epochs, and at least trainer.min_steps steps",
    "metric_for_best_model": "trainer.monitor=val/{value}",
    "model_max_length": "dataset.max_length={value}",
    "model_name_or_path": "encoder=hub encoder.name={value}",
    "num_labels": LABELS,
    "num_train_epochs": "trainer.max_epochs={value}",
    "optim": {"adamw_torch": "optimizer=adamw", "adamw": "optimizer=adamw", "sgd": "optimizer=sgd"},
    "output_dir": "paths.runs={value}",
    "per_device_eval_batch_size": ONE_BATCH_SIZE,
    "per_device_train_batch_size": "dataset.batch_size={value}, which counts the texts on all devices",
    "pretrained_model_name_or_path": "encoder=hub encoder.name={value}",
    "report_to": {"wandb": "logger=wandb", "tensorboard": "logger=tensorboard", "none": "logger=csv"},
    "resume_from_checkpoint": "the same command resumes its run: remove it",
    "save_strategy": "a run resumes from checkpoints of every trainer.checkpoint_seconds: remove it",
    "test_file": "dataset=table dataset.train=TRAIN dataset.test={value}",
    "train_file": "dataset=table dataset.train={value}",
    "validation_file": "dataset=table dataset.train=TRAIN dataset.val={value}",
    "warmup_steps": "scheduler.warmup_ratio is the fraction of all steps",
    # Lightning
    "early_stopping": "trainer.patience=EPOCHS",
    "early_stopping_patience": "trainer.patience={value}",
    "gpus": "trainer=ddp trainer.devices={value}",
    "limit_train_batches": "trainer.limit_batches={value}",
    "limit_val_batches": "trainer.limit_batches={value}",
    "logger_name": "logger=wandb, tensorboard or csv",
    "num_nodes": "each rank of another machine is started with the same command, as torchrun does",
    # peft
    "lora_alpha": "adapter=lora adapter.alpha={value}",
    "lora_dropout": "adapter=lora adapter.dropout={value}",
    "lora_r": "adapter=lora adapter.r={value}",
    "lora_rank": "adapter=lora adapter.r={value}",
    "peft": "adapter=lora, or another one of `frostline list adapter`",
    "rank": "adapter=lora adapter.r={value}",
    "use_lora": {"true": "adapter=lora", "false": "adapter=none"},
    # scikit-learn
    "class_weight": {"balanced": "loss.class_weights=balanced"},
    "max_iter": "trainer.max_epochs={value}",
    "n_splits": "dataset.folds={value}, and -m dataset.fold=range(0,{value})",
    "random_state": "seed={value}",
    "test_size": "dataset.test_share={value}",
    "validation_fraction": "dataset.val_share={value}",
    # habits
    "epochs": "trainer.max_epochs={value}",
    "freeze_base_model": {"true": "freezing=frozen", "false": "freezing=full"},
    "freeze_encoder": {"true": "freezing=frozen", "false": "freezing=full"},
    "learning_rate": "optimizer.lr={value}",
    "model": "encoder={value}, or encoder=hub encoder.name={value}",
    "model_name": "encoder={value}, or encoder=hub encoder.name={value}",
    "num_epochs": "trainer.max_epochs={value}",
    "random_seed": "seed={value}",
    "unfreeze_last_n_layers": "freezing=top_k freezing.k={value}",
}


def other_name(key: str, value: Any) -> Problem | None:
    """Return the error for a key whose last part is the name of a setting elsewhere; None for any other key.

    The error gives the overrides to type, with the value if it can be used as it is.
    """
    remedy = OTHER_NAMES.get(key.rpartition(".")[2].lower())
    if remedy is None:
        return None
    text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
    if isinstance(remedy, Mapping):
        remedy = remedy.get(text.lower()) or "use " + " or ".join(dict.fromkeys(remedy.values()))
    elif text:
        remedy = remedy.replace(VALUE, text)
    else:
        remedy = remedy.replace(f"={VALUE}", "").replace(VALUE, "VALUE")
    is_override = "=" in remedy.split()[0] or remedy.split()[0].count(".") == 1
    return Problem(key, "no such key", f"use {remedy}" if is_override else remedy)
