"""Fifty questions that a newcomer asks of the code, each with the words that he would type into a file finder.

The questions and the words were written from the README and from the documentation of Lightning, transformers, peft,
Hydra and W&B, before the tree of files was looked at. They stay as they are: where a file is not found by its words,
the file's name is what has to change.
"""

# question, words that a stranger would search for
QUESTIONS: list[tuple[str, tuple[str, ...]]] = [
    # Lightning: module, data module, trainer, callbacks, checkpoints
    ("Where is the LightningModule?", ("lightning", "module", "classifier")),
    ("Where is the LightningDataModule?", ("datamodule", "data", "module")),
    ("Where is the Trainer made from the config?", ("trainer",)),
    ("Where is training cut short by early stopping?", ("early", "stopping", "callback")),
    ("Where are checkpoints written and read?", ("checkpoint",)),
    ("Where are processes started for DDP?", ("ddp", "distributed", "strategy")),
    ("Where is the model sharded by FSDP2?", ("fsdp", "fsdp2", "distributed", "strategy")),
    ("Where are the optimizer and its parameter groups made?", ("optimizer", "optim")),
    ("Where is the learning-rate schedule?", ("scheduler", "schedule", "lr")),
    ("Where are accuracy and macro-F1 computed?", ("metrics", "scores")),
    ("Where are metrics logged to metrics.csv?", ("csv", "logger", "metrics")),
    ("Where are runs logged to Weights & Biases?", ("wandb", "logger")),
    # transformers and peft: encoder, tokenizer, pooling, heads, adapters, loss
    ("Where is a pre-trained encoder loaded from the Hub with AutoModel?", ("encoder", "hub", "automodel")),
    ("Where are texts tokenized?", ("tokenizer", "tokenize", "tokens")),
    ("Where are token vectors pooled into one vector a text?", ("pooling", "pooler")),
    ("Where is the linear or MLP classification head?", ("head", "linear", "mlp")),
    ("Where is the logistic-regression head that is solved exactly?", ("logistic", "head")),
    ("Where does label similarity classify by the names of the classes?", ("label", "similarity", "head")),
    ("Where are LoRA adapters attached by peft?", ("lora", "peft", "adapter")),
    ("Where is the loss function?", ("loss", "objective")),
    ("Where is the TF-IDF baseline?", ("tfidf", "encoder")),
    # freezing: strategies, phases, frost line, stored vectors
    ("Where are the freezing strategies (frozen, full, top_k, lp_ft)?", ("freezing", "strategies", "strategy")),
    ("Where is a plan read from rules in a yaml file (freezing=rules)?", ("rules", "freezing")),
    ("Where is a plan with its phases defined?", ("plan", "phase")),
    (
        "Where does a callback freeze and unfreeze parameters when a phase begins?",
        ("freeze", "freezing", "callback", "phase"),
    ),
    ("Where is the frost line computed?", ("frost", "line", "frostline")),
    ("Where is the table drawn that `frostline plan` prints?", ("plan", "table")),
    ("Where is the disk cache of the frozen blocks' outputs?", ("cache", "store")),
    # data
    ("Where is a csv, tsv, jsonl or parquet data set read?", ("table", "csv", "dataset")),
    ("Where are the built-in data sets downloaded?", ("download", "dataset", "datasets")),
    ("Where are few shots a class drawn, and train, validation and test split?", ("split", "shots", "sampling")),
    ("Where are the pairs of texts made for SetFit?", ("setfit", "pairs", "contrastive")),
    # Hydra: config, check, list, sweeps
    ("Where is the config composed by Hydra?", ("config", "hydra", "compose")),
    ("Where is the command line's entry point?", ("cli", "main", "commands")),
    ("Where are unknown keys found and near ones proposed by `frostline check`?", ("check", "validate", "validation")),
    ("Where are all choices listed by `frostline list`?", ("list", "choices")),
    ("Where does the fused launcher train many heads together?", ("fused", "launcher")),
    ("Where are the joblib, submitit, slurm and ray launchers?", ("launcher", "joblib", "submitit")),
    ("Where are Optuna trials run?", ("optuna", "sweeper")),
    ("Where is Ctrl-C (SIGINT) handled?", ("signal", "interrupt", "sigint")),
    ("Where is the progress of a sweep told by `frostline status`?", ("status", "progress")),
    ("Where is the time that a sweep will take estimated?", ("estimate", "duration", "cost")),
    # runs: folder, id, result, predictions, environment, reproduction
    ("Where is the layout of a run folder defined?", ("run", "folder", "layout")),
    ("Where is the id of a run computed from its config?", ("run", "id", "hash")),
    ("Where is predictions.parquet written?", ("predictions",)),
    ("Where is environment.json recorded?", ("environment",)),
    ("Where is a run reproduced and compared with its record?", ("reproduce", "reproduction", "diff")),
    # reports
    ("Where are the mean, its interval and McNemar's test computed?", ("statistics", "stats", "tests", "mcnemar")),
    ("Where is the report's HTML page written?", ("html", "report", "page")),
    ("Where are the figures plotted?", ("figures", "plot")),
]
