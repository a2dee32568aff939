"""SetFit's own package on the draws of the study, in an environment of its own.

    python experiments/few_texts/setfit_package.py JOBS    # as `frostline reproduce experiments/few_texts` calls it

JOBS has a run a line, its folder first and then its overrides, of which those of the data set, the encoder and `seed`
count. The environment is made once, of setfit.txt, and kept in the user's cache; setfit_once.py does one run in it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from filelock import FileLock

from frostline.config.jobs import Job
from frostline.console import log
from frostline.data.corpus import Corpus, Split
from frostline.data.downloads.package_cache import cache_folder
from frostline.models.encoders.auto_model import locate_checkpoint
from frostline.reproduce.study.external import Done, Program, main
from frostline.training.callbacks.predictions import SplitPredictions
from frostline.types import Config

HERE = Path(__file__).parent
WANTED = HERE / "setfit.txt"
PACKAGE = WANTED.read_text(encoding="utf-8").splitlines()[0]
PAIRS = 20  # of each kind a text, R in arXiv:2209.11055; all else is as the package has it


def config(run: Config) -> Config:
    return {"encoder": {"name": run["encoder"]["name"]}, "head": {"package": PACKAGE, "num_iterations": PAIRS}}


def do(job: Job, config: Config, corpus: Corpus) -> Done:
    parts = {"train": corpus.train, "val": corpus.val, "test": corpus.test}
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder, "given.json"), Path(folder, "found.json")
        told = {
            "model": str(locate_checkpoint(job.config["encoder"]["name"], job.config["encoder"]["pin"])),
            "max_length": config["dataset"]["max_length"],
            "pairs": PAIRS,
            "seed": config["seed"],
            **{name: {"text": part.texts, "label": part.labels} for name, part in parts.items()},
        }
        given.write_text(json.dumps(told), encoding="utf-8")
        python = environment() / "bin" / "python"
        subprocess.run([str(python), str(HERE / "setfit_once.py"), str(given), str(found)], check=True, cwd=folder)
        answer = json.loads(found.read_text(encoding="utf-8"))
    return Done({name: chances(parts[name], answer[name]) for name in ("val", "test")}, answer["learned"])


def chances(part: Split, found: list[list[float]]) -> SplitPredictions:
    return SplitPredictions(torch.arange(len(part)), torch.tensor(part.labels), torch.tensor(found))


def environment() -> Path:
    folder = cache_folder() / "environments" / PACKAGE.replace("==", "-")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "complete").exists():
            log(f"making an environment with {PACKAGE} in {folder}")
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", "-r", str(WANTED)], check=True)
            (folder / "complete").touch()
    return folder


if __name__ == "__main__":
    main(sys.argv[1], Program({"encoder": "minilm", "head": "setfit"}, config, do))
