"""Compare all ways to adapt on two data sets: select a learning rate for each arm on validation, then run three seeds.

    python experiments/adaptation/study.py run [ARM ...]    # in the repository; complete runs are not trained again
    python experiments/adaptation/study.py table            # prints the tables of README.md from the run folders

All arms that are trained see the same texts in the same number of steps. Each run is that of the command
`frostline experiment=adaptation/DATASET seed=SEED optimizer.lr=RATE logger=csv` with the overrides of the arm.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from safetensors.numpy import load_file

from frostline.config.jobs import Job, jobs_of_command
from frostline.errors import FrostlineError
from frostline.results.atomic_files import read_json
from frostline.training.run import run

SHIFTED = {"movies": ["vader_tweets", "vader_nyt", "vader_amazon"], "topics": []}  # data set -> shifted test sets
SEEDS = (1, 2, 3)
FACTORS = (1, 3, 10)  # times the recommended learning rate, which is for a whole data set; here are fewer steps
COST = ("trainable parameters", "seconds", "encoder passes (texts)")
SCHEDULE = "[{name: head, epochs: 1, rules: [['head.*', 10], ['*', null]]}, {name: all, rules: [['*', 1]]}]"
ARMS = {
    "direct": ["freezing=direct", "trainer.max_epochs=0"],
    "frozen": ["freezing=frozen"],
    "bitfit": ["freezing=bitfit"],
    "layer_norm": ["freezing=layer_norm"],
    "top_k, k=1": ["freezing=top_k", "freezing.k=1"],
    "bottom_k, k=1": ["freezing=bottom_k", "freezing.k=1"],
    "surgical, layer 0": ["freezing=surgical", "freezing.first=0", "freezing.last=0"],
    "embeddings_frozen": ["freezing=embeddings_frozen"],
    "gradual": ["freezing=gradual"],
    "chain_thaw": ["freezing=chain_thaw"],
    "plateau": ["freezing=plateau"],
    "autofreeze": ["freezing=autofreeze"],
    "auto_rgn": ["freezing=auto_rgn"],
    "discriminative": ["freezing=discriminative"],
    "schedule by hand": ["freezing=schedule", f"freezing.phases={SCHEDULE}"],
    "lp_ft": ["freezing=lp_ft", "freezing.probe_epochs=2"],
    "full": ["freezing=full"],
    "lora": ["adapter=lora", "freezing=full"],
    "lora, lp_ft": ["adapter=lora", "freezing=lp_ft", "freezing.probe_epochs=2", "freezing.tune_rate=1"],
    "dora": ["adapter=dora", "freezing=full"],
    "ia3": ["adapter=ia3", "freezing=full"],
    "prompt": ["adapter=prompt", "freezing=full"],
    "prefix": ["adapter=prefix", "freezing=full"],
}


def make_job(dataset: str, arm: str, factor: float, seed: int) -> Job:
    """Return the job of an arm with `factor` times the recommended learning rate of its strategy."""
    overrides = [f"experiment=adaptation/{dataset}", *ARMS[arm], f"seed={seed}", "logger=csv"]
    [default] = jobs_of_command(overrides)
    learning_rate = float(f"{default.config['optimizer']['lr'] * factor:.3g}")
    [job] = jobs_of_command([*overrides, f"optimizer.lr={learning_rate:g}"])
    return job


def train(job: Job) -> dict[str, Any]:
    """Train a job, or read its result if it is complete."""
    return run(job.config, job.choices, job.overrides, job.folder)


def read_result(job: Job) -> dict[str, Any]:
    """Return the result of a complete run, with its folder and its learning rate.

    Raises:
        FileNotFoundError: if the run is not complete.
    """
    result: dict[str, Any] = read_json(job.folder / "result.json")
    return result | {"folder": job.folder, "learning_rate": job.config["optimizer"]["lr"]}


def factors(arm: str) -> tuple[float, ...]:
    return (1,) if arm == "direct" else FACTORS


def selected_runs(dataset: str, arm: str, result_of: Callable[[Job], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the results with the best learning rate, one for each seed; validation at the first seed selects it."""
    by_factor = {factor: result_of(make_job(dataset, arm, factor, SEEDS[0])) for factor in factors(arm)}
    best = max(by_factor, key=lambda factor: by_factor[factor]["metrics"]["val/f1_macro"])
    return [by_factor[best], *(result_of(make_job(dataset, arm, best, seed)) for seed in SEEDS[1:])]


def train_arms(arms: list[str]) -> None:
    """Train the given arms, or all of them; a run that fails does not end the others."""
    for arm in arms or list(ARMS):
        for dataset in SHIFTED:
            try:
                selected_runs(dataset, arm, train)
            except FrostlineError as error:
                print(f"failed: {dataset} {arm}: {error}", file=sys.stderr)


def head_norm(folder: Path) -> float:
    """Return the Euclidean norm of all weights of the head."""
    weights = load_file(folder / "checkpoints" / "best.safetensors").items()
    return math.sqrt(sum(float((w.astype(float) ** 2).sum()) for name, w in weights if name.startswith("head.")))


def table_row(dataset: str, arm: str) -> Iterator[str]:
    """Yield the cells of an arm."""
    runs = selected_runs(dataset, arm, read_result)
    metrics = [result["metrics"] for result in runs]
    yield arm
    yield f"{runs[0]['learning_rate']:g}"
    yield mean_and_std([m["test/accuracy"] for m in metrics])
    yield mean_and_std([m["test/f1_macro"] for m in metrics])
    if SHIFTED[dataset]:
        yield mean_and_std([mean(m[f"test_{name}/f1_macro"] for name in SHIFTED[dataset]) for m in metrics])
    yield mean_and_std([m["test/ece"] for m in metrics])
    yield f"{mean(head_norm(result['folder']) for result in runs):.1f}"
    yield f"{runs[0]['parameters']['ever_trainable']:,}"
    yield f"{median(result['cost']['seconds'] for result in runs):.0f}"
    yield f"{runs[0]['cost']['texts_encoded']:,}"


def mean_and_std(values: list[float]) -> str:
    return f"{mean(values):.3f} ± {stdev(values):.3f}"


def table(dataset: str) -> str:
    """Return a Markdown table with a row for each complete arm, and the names of the others."""
    shifted = ["shifted macro-F1"] if SHIFTED[dataset] else []
    titles = ["arm", "learning rate", "accuracy", "macro-F1", *shifted, "ECE", "head norm", *COST]
    rows, missing = [titles, ["---", *["--:"] * (len(titles) - 1)]], []
    for arm in ARMS:
        try:
            rows.append(list(table_row(dataset, arm)))
        except FileNotFoundError:
            missing.append(arm)
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    return "\n".join(lines + ([f"\nNot complete: {'; '.join(missing)}."] if missing else []))


if __name__ == "__main__":
    action, *arms = sys.argv[1:] or ["table"]
    if action == "run":
        train_arms(arms)
    else:
        print("\n\n".join(f"### {dataset}\n\n{table(dataset)}" for dataset in SHIFTED))
