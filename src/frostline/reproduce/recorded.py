"""The record of a complete run, taken up again: its config as it can be run here, and whether its texts are as then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from frostline.config.checks.check import check_config
from frostline.data.corpus import Corpus, Shift
from frostline.errors import Problem, UserError
from frostline.results.folder import RunFolder
from frostline.types import Config

LOCAL: dict[str, dict[str, Any]] = {  # what belongs to the machine that the record is from, and changes no number
    "cache": {"dir": None, "max_bytes": None},
    "paths": {"runs": "runs"},
    "logger": {"wandb": None, "tensorboard": False},
}


def config_of(record: RunFolder) -> Config:
    """Raises UserError where it cannot be run here."""
    config = yaml.safe_load(record.config.read_text(encoding="utf-8"))
    config |= {part: {**config[part], **local} for part, local in LOCAL.items()}
    if problems := check_config(config):
        raise UserError(problems)
    return dict(config)


def data_problems(corpus: Corpus, shifts: Mapping[str, Shift], recorded: Mapping[str, Any]) -> list[Problem]:
    """Where texts, labels or splits are not those of the record; parts are told by their numbers of texts."""
    counts = {"train": len(corpus.train), "val": len(corpus.val), "test": len(corpus.test)}
    do = "nothing that is trained on other texts repeats the run; find the texts that it was made with"
    problems = []
    if corpus.fingerprint != recorded["fingerprint"]:
        what = f"the texts are not those of the record (fingerprint {recorded['fingerprint'][:12]}, "
        what += f"{_told(recorded['texts'])}; now {corpus.fingerprint[:12]}, {_told(counts)})"
        problems.append(Problem("dataset", what, do))
    found = {name: shift.described() for name, shift in shifts.items()}
    changed = [name for name in recorded["shifts"] if recorded["shifts"][name] != found.get(name)]
    return problems + [Problem("dataset.shifts", f"{name} is not as it was recorded", do) for name in changed]


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} of {part}" for part, count in counts.items())
