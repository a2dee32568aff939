"""Fifty questions that a newcomer asks of the code, each with the words that they would type into a file finder.

The questions and the words were written from the README and from the documentation of Lightning, transformers, peft,
Hydra and W&B, before the tree of files was looked at. They stay as they are: where a file is not found by its words,
the file's name is what has to change. An answer that moves, or whose class gets another name, is put right here.
"""

from __future__ import annotations

from typing import NamedTuple


class Question(NamedTuple):
    """words: what a stranger would search for. answer: the file below src/frostline, src or the checkout that holds the
    thing, or the folder where the whole folder is the answer. name: a class or function that is defined there.
    """

    text: str
    words: tuple[str, ...]
    answer: str
    name: str


QUESTIONS = [
    # Lightning: module, data module, trainer, callbacks, checkpoints
    Question(
        "Where is the LightningModule?", ("lightning", "module", "classifier"), "training/classifier.py", "Classifier"
    ),
    Question(
        "Where is the LightningDataModule?", ("datamodule", "data", "module"), "training/data_module.py", "DataModule"
    ),
    Question("Where is the Trainer made from the config?", ("trainer",), "training/trainer.py", "make_trainer"),
    Question(
        "Where is training cut short by early stopping?",
        ("early", "stopping", "callback"),
        "training/callbacks/early_stopping.py",
        "EarlyStopping",
    ),
    Question(
        "Where are checkpoints written and read?",
        ("checkpoint",),
        "training/callbacks/best_checkpoint.py",
        "BestCheckpoint",
    ),
    Question(
        "Where are processes started for DDP?",
        ("ddp", "distributed", "strategy"),
        "distributed/launcher.py",
        "launch_ranks",
    ),
    Question(
        "Where is the model sharded by FSDP2?",
        ("fsdp", "fsdp2", "distributed", "strategy"),
        "training/fsdp.py",
        "FSDP2Strategy",
    ),
    Question(
        "Where are the optimizer and its parameter groups made?",
        ("optimizer", "optim"),
        "training/optimizers/adamw.py",
        "adamw",
    ),
    Question(
        "Where is the learning-rate schedule?", ("scheduler", "schedule", "lr"), "training/schedulers/", "LinearWarmup"
    ),
    Question(
        "Where are accuracy and macro-F1 computed?",
        ("metrics", "scores"),
        "training/metrics.py",
        "ClassificationMetrics",
    ),
    Question(
        "Where are metrics logged to metrics.csv?",
        ("csv", "logger", "metrics"),
        "training/loggers/csv_logger.py",
        "CsvLogger",
    ),
    Question(
        "Where are runs logged to Weights & Biases?",
        ("wandb", "logger"),
        "training/loggers/wandb_logger.py",
        "WandbRun",
    ),
    # transformers and peft: encoder, tokenizer, pooling, heads, adapters, loss
    Question(
        "Where is a pre-trained encoder loaded from the Hub with AutoModel?",
        ("encoder", "hub", "automodel"),
        "models/encoders/auto_model.py",
        "load_auto_model",
    ),
    Question("Where are texts tokenized?", ("tokenizer", "tokenize", "tokens"), "data/tokens.py", "tokenize_split"),
    Question(
        "Where are token vectors pooled into one vector a text?", ("pooling", "pooler"), "models/poolers/", "Mean"
    ),
    Question(
        "Where is the linear or MLP classification head?", ("head", "linear", "mlp"), "models/heads/linear.py", "Linear"
    ),
    Question(
        "Where is the logistic-regression head that is solved exactly?",
        ("logistic", "head"),
        "models/heads/logistic.py",
        "Logistic",
    ),
    Question(
        "Where does label similarity classify by the names of the classes?",
        ("label", "similarity", "head"),
        "models/heads/label_similarity.py",
        "LabelSimilarity",
    ),
    Question(
        "Where are LoRA adapters attached by peft?", ("lora", "peft", "adapter"), "models/adapters/lora.py", "Lora"
    ),
    Question("Where is the loss function?", ("loss", "objective"), "training/losses/", "CrossEntropy"),
    Question("Where is the TF-IDF baseline?", ("tfidf", "encoder"), "experiments/inadequacy/floor.py", "VECTORIZER"),
    # freezing: strategies, phases, frost line, stored vectors
    Question(
        "Where are the freezing strategies (frozen, full, top_k, lp_ft)?",
        ("freezing", "strategies", "strategy"),
        "freezing/strategies/",
        "lp_ft",
    ),
    Question(
        "Where is a plan read from rules in a yaml file (freezing=rules)?",
        ("rules", "freezing"),
        "freezing/strategies/rules.py",
        "rules",
    ),
    Question("Where is a plan with its phases defined?", ("plan", "phase"), "freezing/plan.py", "Plan"),
    Question(
        "Where does a callback freeze and unfreeze parameters when a phase begins?",
        ("freeze", "freezing", "callback", "phase"),
        "training/phases.py",
        "PhaseEngine",
    ),
    Question(
        "Where is the frost line computed?", ("frost", "line", "frostline"), "freezing/frost_line.py", "CachePoint"
    ),
    Question(
        "Where is the table drawn that `frostline plan` prints?", ("plan", "table"), "freezing/table.py", "plan_table"
    ),
    Question(
        "Where is the disk cache of the frozen blocks' outputs?", ("cache", "store"), "cache/store.py", "StateCache"
    ),
    # data
    Question(
        "Where is a csv, tsv, jsonl or parquet data set read?",
        ("table", "csv", "dataset"),
        "data/datasets/table.py",
        "Table",
    ),
    Question(
        "Where are the built-in data sets downloaded?",
        ("download", "dataset", "datasets"),
        "data/downloads/",
        "is_cached",
    ),
    Question(
        "Where are few shots a class drawn, and train, validation and test split?",
        ("split", "shots", "sampling"),
        "data/splits.py",
        "cut",
    ),
    Question(
        "Where are the pairs of texts made for SetFit?",
        ("setfit", "pairs", "contrastive"),
        "training/losses/contrastive.py",
        "Contrastive",
    ),
    # Hydra: config, check, list, sweeps
    Question(
        "Where is the config composed by Hydra?", ("config", "hydra", "compose"), "config/overrides.py", "Composer"
    ),
    Question("Where is the command line's entry point?", ("cli", "main", "commands"), "cli.py", "main"),
    Question(
        "Where are unknown keys found and near ones proposed by `frostline check`?",
        ("check", "validate", "validation"),
        "config/checks/check.py",
        "check_config",
    ),
    Question("Where are all choices listed by `frostline list`?", ("list", "choices"), "commands/list.py", "main"),
    Question(
        "Where does the fused launcher train many heads together?", ("fused", "launcher"), "sweeps/fused/", "FusedSweep"
    ),
    Question(
        "Where are the joblib, submitit, slurm and ray launchers?",
        ("launcher", "joblib", "submitit"),
        "hydra_plugins/frostline_joblib.py",
        "JoblibLauncher",
    ),
    Question(
        "Where are Optuna trials run?", ("optuna", "sweeper"), "hydra_plugins/frostline_optuna.py", "OptunaSweeper"
    ),
    Question(
        "Where is Ctrl-C (SIGINT) handled?",
        ("signal", "interrupt", "sigint"),
        "sweeps/interrupt.py",
        "handle_interrupt",
    ),
    Question(
        "Where is the progress of a sweep told by `frostline status`?",
        ("status", "progress"),
        "results/sweep_status.py",
        "SweepStatus",
    ),
    Question(
        "Where is the time that a sweep will take estimated?",
        ("estimate", "duration", "cost"),
        "sweeps/time_estimate.py",
        "RunEstimate",
    ),
    # runs: folder, id, result, predictions, environment, reproduction
    Question(
        "Where is the layout of a run folder defined?", ("run", "folder", "layout"), "results/folder.py", "RunFolder"
    ),
    Question(
        "Where is the id of a run computed from its config?", ("run", "id", "hash"), "results/identity.py", "run_id"
    ),
    Question(
        "Where is predictions.parquet written?", ("predictions",), "training/callbacks/predictions.py", "Predictions"
    ),
    Question("Where is environment.json recorded?", ("environment",), "results/environment.py", "Environment"),
    Question(
        "Where is a run reproduced and compared with its record?",
        ("reproduce", "reproduction", "diff"),
        "commands/reproduce.py",
        "main",
    ),
    # reports
    Question(
        "Where are the mean, its interval and McNemar's test computed?",
        ("statistics", "stats", "tests", "mcnemar"),
        "report/statistics/",
        "Summary",
    ),
    Question("Where is the report's HTML page written?", ("html", "report", "page"), "report/html/", "html_page"),
    Question("Where are the figures plotted?", ("figures", "plot"), "report/figures/", "Figure"),
]
