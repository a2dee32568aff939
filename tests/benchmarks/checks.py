"""What the checks of data, encoder and identity cost a run of bert_tiny on 10,000 texts, in seconds of the processor.

    python tests/benchmarks/checks.py [ROUNDS]             # each group of checks by itself, in one process
    python tests/benchmarks/checks.py ROUNDS CHECKOUT ...  # commands here and in another checkout, in turn

The texts are those of vader_movies in a csv. Further words are overrides, such as freezing=direct. Both checkouts read
the same warm cache and train the same number of epochs.
"""

from __future__ import annotations

import csv
import functools
import importlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any

TEXTS = 10_000
HERE = Path(__file__).resolve().parents[2]
SHARED = ["dataset=table", "dataset.train=movies.csv", "logger=csv", "trainer=cpu"]
USUAL = ["freezing=frozen", "trainer.max_epochs=2"]
GROUPS = {  # group of checks -> the functions that do them, as `module:name`
    "content of local files, twice": ("frostline.config.inputs:local_inputs",),
    "earlier runs on other content": ("frostline.config.earlier_runs:changed_inputs",),
    "labels: names, scores, identifiers, small and absent classes": (
        "frostline.data.checks:label_problems",
        "frostline.data.files.cells:several_labels_problem",
        "frostline.data.files.table_parts:_name_notes",
        "frostline.data.label_names:class_of_spelling",
        "frostline.data.checks:absent_classes",
        "frostline.data.checks:label_notes",
    ),
    "csv: widths of rows, rows within a cell": (
        "frostline.data.files.separated_files:SeparatedFile._check_swallowed",
        "frostline.data.files.separated_files:SeparatedFile.check_widths",
    ),
    "rows of the texts": ("frostline.data.prepare:with_origins",),
    "copies within and between parts": ("frostline.data.copies:Repeats.remove",),
    "truncated texts, special tokens, unknown tokens": (
        "frostline.data.token_counts:TextCounts.concatenate",
        "frostline.data.token_counts:token_messages",
        "frostline.data.token_counts:token_record",
        "frostline.models.encoders.tokenizer:SpecialTokens.found_in",
        "frostline.models.encoders.tokenizer:check_ids",
        "frostline.models.encoders.tokenizer:count_cut_tokens",
    ),
    "encoder: width, positions, padding": ("frostline.models.encoders.pretrained:Pretrained._measured",),
    "rows and class names in predictions.parquet": (
        "frostline.training.callbacks.predictions:_class_names",
        "frostline.training.callbacks.predictions:_origin_columns",
    ),
}


def write_texts(folder: Path) -> None:
    """Write 10,000 texts of vader_movies to movies.csv."""
    from frostline.config.jobs import compose_jobs
    from frostline.data.build import load_corpus

    caps = [f"dataset.max_{split}=null" for split in ("train", "val", "test")]
    [job], _ = compose_jobs([["dataset=vader_movies", *caps]])
    corpus = load_corpus(job.config["dataset"])
    splits = (corpus.train, corpus.val, corpus.test)
    rows = [(text, corpus.classes[label]) for s in splits for text, label in zip(s.texts, s.labels, strict=True)]
    with (folder / "movies.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows[:TEXTS]])


def seconds_of_groups(rounds: int, overrides: Sequence[str]) -> dict[str, list[float]]:
    """Return the seconds of each group in each run in this process, without a first one, which imports."""
    from frostline import cli

    spent: dict[str, float] = defaultdict(float)
    for group, functions in GROUPS.items():
        for name in functions:
            _replace(name, group, spent)
    found = defaultdict[str, list[float]](list)
    for number in range(rounds + 1):
        spent.clear()
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            cli.main([*SHARED, *overrides, f"study=round{number}"])
        for group in GROUPS if number else ():
            found[group].append(spent[group])
        if number:
            found["all of them"].append(sum(spent.values()))
    return found


def _replace(name: str, group: str, spent: dict[str, float]) -> None:
    """Replace a function, wherever it has been imported, by one that counts its seconds; those of inner calls once."""
    module, _, path = name.partition(":")
    owner: Any = importlib.import_module(module)
    importlib.import_module("frostline.training.record")  # imports all that names the functions
    importlib.import_module("frostline.sweeps.launch")
    *classes, attribute = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    function = getattr(owner, attribute)
    timed = _timed(function, group, spent)
    if classes:
        setattr(owner, attribute, timed)
        return
    for module_ in [m for n, m in sys.modules.items() if n.startswith("frostline")]:
        for key, value in list(vars(module_).items()):
            if value is function:
                setattr(module_, key, timed)


DEPTH = [0]  # of nested calls


def _timed(function: Callable[..., Any], group: str, spent: dict[str, float]) -> Callable[..., Any]:
    @functools.wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        began, DEPTH[0] = time.process_time(), DEPTH[0] + 1
        try:
            result = function(*args, **kwargs)
            return list(result) if hasattr(result, "__next__") else result  # a generator does its work here
        finally:
            DEPTH[0] -= 1
            if not DEPTH[0]:
                spent[group] += time.process_time() - began

    return timed


def seconds_of_command(checkout: Path, overrides: Sequence[str]) -> float:
    """Return the seconds of the processor that a command of its own takes, in a checkout."""
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    words = [sys.executable, "-m", "frostline", *SHARED, *overrides]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, env=environment, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    shutil.rmtree("runs")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def paired(rounds: int, checkout: Path, overrides: Sequence[str]) -> dict[str, list[float]]:
    """Return the seconds of each command here and there, and their differences; a first round warms the caches."""
    found = defaultdict[str, list[float]](list)
    for number in range(rounds + 1):
        order = (HERE, checkout) if number % 2 else (checkout, HERE)
        seconds = {each: seconds_of_command(each, overrides) for each in order}
        if number:
            found["here"].append(seconds[HERE])
            found["there"].append(seconds[checkout])
            found["here - there"].append(seconds[HERE] - seconds[checkout])
    return found


def main(rounds: str = "5", checkout: str = "", *overrides: str) -> None:
    there = Path(checkout).resolve() if checkout else None
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_texts(Path(folder))
        words = [*USUAL, *overrides]
        rows = seconds_of_groups(int(rounds), words) if there is None else paired(int(rounds), there, words)
    print(f"| seconds of the processor, n={rounds} | median | min | max |\n| --- | --: | --: | --: |")
    for name, values in rows.items():
        print(f"| {name} | {median(values):.3f} | {min(values):.3f} | {max(values):.3f} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
