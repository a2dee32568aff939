"""Soups and ensembles of five seeds on two data sets: trains the runs, and writes soups.csv.

python experiments/soup/soups.py [FOLDER]

FOLDER is that of the runs, by default runs/soup. Complete runs are not trained again.
"""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from frostline.config.jobs import jobs_of_command
from frostline.export.ensemble import make_ensemble
from frostline.export.load import load_model
from frostline.export.members import best_member
from frostline.export.score_intervals import bootstrap_interval, difference_interval, read_text_scores
from frostline.export.soup import make_soup
from frostline.report.statistics.intervals import summarize
from frostline.results.atomic_files import read_json
from frostline.training.run import run

DATASETS, SEEDS, METRIC = ("vader_movies", "newsgroups"), (1, 2, 3, 4, 5), "f1_macro"
COMMON = ["encoder=bert_tiny", "freezing=full", "dataset.max_train=2000", "dataset.max_val=1000", "logger=csv"]
NAMES = ["dataset", "model", "val", "test", "test_low", "test_high", "difference", "difference_low", "difference_high"]


def train(folder: Path, dataset: str) -> list[Path]:
    runs = []
    for seed in SEEDS:
        words = [*COMMON, f"dataset={dataset}", f"seed={seed}", f"paths.runs={folder}", "study=soup", "trainer=cpu"]
        [job] = jobs_of_command(words)
        run(job.config, job.choices, job.overrides, job.folder)
        runs.append(job.folder)
    return runs


def rows_of(dataset: str, folder: Path, runs: Sequence[Path]) -> list[list[object]]:
    made = {}
    for kind in ("uniform", "greedy", "ensemble"):
        made[kind] = folder / f"{dataset}-{kind}"
        shutil.rmtree(made[kind], ignore_errors=True)
        if kind == "ensemble":
            make_ensemble(runs, made[kind])
        else:
            make_soup(runs, made[kind], "uniform" if kind == "uniform" else "greedy")
    members = [load_model(each) for each in runs]
    best = best_member(members)
    scores = {
        name: read_text_scores(path / "predictions.parquet", "test", best.classes, None)
        for name, path in {"best": best.folder.path, **made}.items()
    }
    single = [member.result["metrics"] for member in members]
    rows = []
    over_seeds = summarize([metrics[f"test/{METRIC}"] for metrics in single], (0.0, 1.0))
    val = summarize([metrics[f"val/{METRIC}"] for metrics in single], (0.0, 1.0))
    rows.append([dataset, "single runs, mean over seeds", val.mean, over_seeds.mean, over_seeds.low, over_seeds.high])
    for name, path in {"best": best.folder.path, **made}.items():
        result = read_json(path / "result.json")
        values = [result["metrics"][f"{split}/{METRIC}"] for split in ("val", "test")]
        used = f", {len(result['soup']['used'])} runs" if "soup" in result else ""
        label = {"best": f"best single run by validation, seed {best.config['seed']}"}.get(name, f"{name}{used}")
        row = [dataset, label, *values, *bootstrap_interval(scores[name], METRIC)]
        if name != "best":
            row += [values[1] - best.result["metrics"][f"test/{METRIC}"]]
            row += difference_interval(scores[name], scores["best"], METRIC)
        rows.append(row)
    return rows


def main(folder: Path) -> None:
    rows = [row for dataset in DATASETS for row in rows_of(dataset, folder, train(folder, dataset))]
    with Path(__file__).with_name("soups.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(NAMES)
        for dataset, label, *values in rows:
            writer.writerow([dataset, label, *(f"{value:.4f}" for value in values if isinstance(value, float))])


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/soup").absolute())
