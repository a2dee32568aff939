"""A recorded run, done once more: ``python -m frostline.again RECORD FOLDER``; started by `reproduce`.

A process of its own, as the number of threads is settled when torch is loaded.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from frostline.errors import FrostlineError, Problem, UserError
from frostline.store.files import read_json
from frostline.store.folder import RunFolder

LOCAL: dict[str, dict[str, Any]] = {  # what belongs to the machine that the record is from, and changes no number
    "cache": {"dir": None, "max_bytes": None},
    "paths": {"runs": "runs"},
    "logger": {"wandb": None, "tensorboard": False},
}


def main() -> None:
    record, folder = (RunFolder(Path(word)) for word in sys.argv[1:])
    try:
        again(record, folder)
    except FrostlineError as error:
        print(error.render() if isinstance(error, UserError) else error, file=sys.stderr)
        sys.exit(error.status)


def again(record: RunFolder, folder: RunFolder) -> None:
    """Do the run of the record in the folder.

    Raises:
        UserError: its config cannot be run here, or its texts are no longer those that they were.
    """
    from frostline.compose.check import check
    from frostline.train import run

    config = yaml.safe_load(record.config.read_text(encoding="utf-8"))
    config |= {part: {**config[part], **local} for part, local in LOCAL.items()}
    if problems := check(config):
        raise UserError(problems)
    if problems := data_problems(config["dataset"], read_json(record.environment)["data"]):
        raise UserError(problems)
    result = read_json(record.result)
    run(config, result["choices"], result["overrides"], folder.path)


def data_problems(dataset: dict[str, Any], recorded: dict[str, Any]) -> list[Problem]:
    """Where texts, labels or splits are not those of the record; parts are told by their numbers of texts."""
    from frostline.compose.corpora import load_corpus, load_shifts

    corpus = load_corpus(dataset)
    shifts = {name: shift.described() for name, shift in load_shifts(dataset, corpus).items()}
    counts = {"train": len(corpus.train), "val": len(corpus.val), "test": len(corpus.test)}
    do = "nothing that is trained on other texts repeats the run; find the texts that it was made with"
    problems = []
    if corpus.fingerprint != recorded["fingerprint"]:
        what = f"the texts are not those of the record (fingerprint {recorded['fingerprint'][:12]}, "
        what += f"{_told(recorded['texts'])}; now {corpus.fingerprint[:12]}, {_told(counts)})"
        problems.append(Problem("dataset", what, do))
    changed = [name for name in recorded["shifts"] if recorded["shifts"][name] != shifts.get(name)]
    return problems + [Problem("dataset.shifts", f"{name} is not as it was recorded", do) for name in changed]


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} of {part}" for part, count in counts.items())


if __name__ == "__main__":
    main()
