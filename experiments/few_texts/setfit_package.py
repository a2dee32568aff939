"""Run SetFit's own package on the training texts of the study, in a separate environment.

    python experiments/few_texts/setfit_package.py JOBS    # as `frostline reproduce experiments/few_texts` calls it

JOBS has one run per line: its folder, then its overrides, of which those of the data set, the encoder and `seed` are
used. The environment is made once from setfit.txt and stays in the user's cache; setfit_once.py does one run in it.
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
from frostline.reproduce.study.external import ExternalProgram, ExternalResult, main
from frostline.training.callbacks.predictions import SplitPredictions
from frostline.types import Config

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "setfit.txt"
PACKAGE = REQUIREMENTS.read_text(encoding="utf-8").splitlines()[0]
PAIRS = 20  # of each kind for each text, R in arXiv:2209.11055; everything else has the package's defaults


def config(run: Config) -> Config:
    """Return what is recorded in the run's config beside seed, study and data set."""
    return {"encoder": {"name": run["encoder"]["name"]}, "head": {"package": PACKAGE, "num_iterations": PAIRS}}


def do(job: Job, config: Config, corpus: Corpus) -> ExternalResult:
    """Train once and return the class probabilities of the validation and test texts."""
    splits = {"train": corpus.train, "val": corpus.val, "test": corpus.test}
    with tempfile.TemporaryDirectory() as folder:
        input_file, output_file = Path(folder, "input.json"), Path(folder, "output.json")
        task = {
            "model": str(locate_checkpoint(job.config["encoder"]["name"], job.config["encoder"]["pin"])),
            "max_length": config["dataset"]["max_length"],
            "pairs": PAIRS,
            "seed": config["seed"],
            **{name: {"text": split.texts, "label": split.labels} for name, split in splits.items()},
        }
        input_file.write_text(json.dumps(task), encoding="utf-8")
        command = [environment() / "bin" / "python", HERE / "setfit_once.py", input_file, output_file]
        subprocess.run([str(word) for word in command], check=True, cwd=folder)
        result = json.loads(output_file.read_text(encoding="utf-8"))
    return ExternalResult(
        {name: predictions(splits[name], result[name]) for name in ("val", "test")}, result["trainable"]
    )


def predictions(split: Split, probabilities: list[list[float]]) -> SplitPredictions:
    """Return the predictions of a split; probabilities: (texts, classes)."""
    return SplitPredictions(torch.arange(len(split)), torch.tensor(split.labels), torch.tensor(probabilities))


def environment() -> Path:
    """Return the folder of the virtual environment with the package, which is made if it is missing."""
    folder = cache_folder() / "environments" / PACKAGE.replace("==", "-")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "complete").exists():
            log(f"making an environment with {PACKAGE} in {folder}")
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", "-r", str(REQUIREMENTS)], check=True)
            (folder / "complete").touch()
    return folder


if __name__ == "__main__":
    main(sys.argv[1], ExternalProgram({"encoder": "minilm", "head": "setfit"}, config, do))
