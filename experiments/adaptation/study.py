"""Every way to adapt, on two data sets: each arm's rate is chosen from three on validation, then three seeds.

    python experiments/adaptation/study.py run [ARM ...]    # from the repository; what is complete is not run again
    python experiments/adaptation/study.py table            # the table of README.md, from the run folders

All arms that learn see the same texts in as many steps.
A run is `frostline experiment=adaptation/<data set> <arm> <rate> <seed>`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from safetensors.numpy import load_file

from frostline.config import jobs as command
from frostline.errors import FrostlineError
from frostline.results.atomic_files import read_json
from frostline.training.run import run

DATA = {"movies": ["vader_tweets", "vader_nyt", "vader_amazon"], "topics": []}
SEEDS = (1, 2, 3)
FACTORS = (1, 3, 10)  # on the rate that suits the strategy over a whole data set; here are fewer steps
BY_HAND = "[{name: head, epochs: 1, rules: [['head.*', 10], ['*', null]]}, {name: all, rules: [['*', 1]]}]"
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
    "schedule by hand": ["freezing=schedule", f"freezing.phases={BY_HAND}"],
    "lp_ft": ["freezing=lp_ft", "freezing.probe_epochs=2"],
    "full": ["freezing=full"],
    "lora": ["adapter=lora", "freezing=full"],
    "lora, lp_ft": ["adapter=lora", "freezing=lp_ft", "freezing.probe_epochs=2", "freezing.tune_rate=1"],
    "dora": ["adapter=dora", "freezing=full"],
    "ia3": ["adapter=ia3", "freezing=full"],
    "prompt": ["adapter=prompt", "freezing=full"],
    "prefix": ["adapter=prefix", "freezing=full"],
}


def job(data: str, arm: str, factor: float, seed: int) -> command.Job:
    words = [f"experiment=adaptation/{data}", *ARMS[arm], f"seed={seed}", "logger=csv"]
    [usual] = command.jobs_of_command(words)
    rate = float(f"{usual.config['optimizer']['lr'] * factor:.3g}")
    [found] = command.jobs_of_command([*words, f"optimizer.lr={rate:g}"])
    return found


def done(one: command.Job) -> dict[str, Any]:
    return run(one.config, one.choices, one.overrides, one.folder)


def stored(one: command.Job) -> dict[str, Any]:
    """Raises FileNotFoundError where the run is not complete."""
    found: dict[str, Any] = read_json(one.folder / "result.json")
    return found | {"folder": one.folder, "rate": one.config["optimizer"]["lr"]}


def factors(arm: str) -> tuple[float, ...]:
    return (1,) if arm == "direct" else FACTORS


def chosen(data: str, arm: str, result: Callable[[command.Job], dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs of the best rate, one a seed; the rate is chosen by the first seed's validation."""
    tried = {factor: result(job(data, arm, factor, SEEDS[0])) for factor in factors(arm)}
    best = max(tried, key=lambda factor: tried[factor]["metrics"]["val/f1_macro"])
    return [tried[best], *(result(job(data, arm, best, seed)) for seed in SEEDS[1:])]


def do(arms: list[str]) -> None:
    for arm in arms or list(ARMS):
        for data in DATA:
            try:
                chosen(data, arm, done)
            except FrostlineError as error:
                print(f"failed: {data} {arm}: {error}", file=sys.stderr)


def norm_of_head(folder: Path) -> float:
    weights = load_file(folder / "checkpoints" / "best.safetensors").items()
    return math.sqrt(sum(float((w.astype(float) ** 2).sum()) for name, w in weights if name.startswith("head.")))


def row(data: str, arm: str) -> Iterator[str]:
    runs = chosen(data, arm, stored)
    metrics = [one["metrics"] for one in runs]
    yield arm
    yield f"{runs[0]['rate']:g}"
    yield _spread([m["test/accuracy"] for m in metrics])
    yield _spread([m["test/f1_macro"] for m in metrics])
    if DATA[data]:
        yield _spread([mean(m[f"test_{name}/f1_macro"] for name in DATA[data]) for m in metrics])
    yield _spread([m["test/ece"] for m in metrics])
    yield f"{mean(norm_of_head(one['folder']) for one in runs):.1f}"
    yield f"{runs[0]['parameters']['ever_trainable']:,}"
    yield f"{median(one['cost']['seconds'] for one in runs):.0f}"
    yield f"{runs[0]['cost']['texts_encoded']:,}"


def _spread(values: list[float]) -> str:
    return f"{mean(values):.3f} ± {stdev(values):.3f}"


def table(data: str) -> str:
    shifted = ["shifted macro-F1"] if DATA[data] else []
    heads = ["arm", "rate", "accuracy", "macro-F1", *shifted, "ECE", "head norm", "learned", "seconds", "texts encoded"]
    rows, missing = [heads, ["---", *["--:"] * (len(heads) - 1)]], []
    for arm in ARMS:
        try:
            rows.append(list(row(data, arm)))
        except FileNotFoundError:
            missing.append(arm)
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    return "\n".join(lines + ([f"\nNot complete: {'; '.join(missing)}."] if missing else []))


if __name__ == "__main__":
    what, *arms = sys.argv[1:] or ["table"]
    if what == "run":
        do(arms)
    else:
        print("\n\n".join(f"### {data}\n\n{table(data)}" for data in DATA))
