"""The record of a complete run: its config, completed for this machine, and checks of its texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from frostline.config.checks.check import check_config
from frostline.config.checks.signature import read_signature
from frostline.config.inputs import with_inputs
from frostline.data.corpus import Corpus, Shift
from frostline.errors import Problem, UserError
from frostline.results.folder import RunFolder
from frostline.results.identity import ID_DEFAULTS, INPUTS
from frostline.types import Config

LOCAL_SETTINGS: dict[str, dict[str, Any]] = {  # settings of the recording machine; they do not affect results
    "cache": {"dir": None, "max_bytes": None},
    "paths": {"runs": "runs"},
    "logger": {"wandb": None, "tensorboard": False},
}


def recorded_config(record: RunFolder) -> Config:
    """Return the config of a record, with the default cache, paths and loggers.

    Raises:
        UserError: the config cannot be run on this machine.
    """
    config = yaml.safe_load(record.config.read_text(encoding="utf-8"))
    config |= {group: _with_earlier_values(group, config[group]) for group in ID_DEFAULTS if group in config}
    config |= {group: {**config[group], **settings} for group, settings in LOCAL_SETTINGS.items()}
    inputs = config.pop(INPUTS, None)
    if problems := check_config(config):
        raise UserError(problems)
    return dict(with_inputs(config) if inputs else config)  # a run of changed files or modules has another id


def _with_earlier_values(group: str, part: Config) -> Config:
    """Return a part of a recorded config with the arguments that came later, set to what they were until then."""
    target = part.get("_target_")  # none in the group trainer, which has all of its keys
    known = ID_DEFAULTS[group] if target is None else read_signature(target, group).parameters
    return {key: value for key, value in ID_DEFAULTS[group].items() if key in known} | part


def data_problems(corpus: Corpus, shifts: Mapping[str, Shift], recorded: Mapping[str, Any]) -> list[Problem]:
    """Return a problem for each data set whose texts, labels or splits differ from the record.

    recorded: `data` of environment.json.
    """
    counts = {"train": len(corpus.train), "val": len(corpus.val), "test": len(corpus.test)}
    do = "a run can only be repeated on the same texts; restore the texts of the record"
    problems = []
    if corpus.fingerprint != recorded["fingerprint"]:
        what = f"the texts are not those of the record (fingerprint {recorded['fingerprint'][:12]}, "
        what += f"{_format_counts(recorded['texts'])}; now {corpus.fingerprint[:12]}, {_format_counts(counts)})"
        problems.append(Problem("dataset", what, do))
    described = {name: shift.described() for name, shift in shifts.items()}
    changed = [name for name in recorded["shifts"] if recorded["shifts"][name] != described.get(name)]
    what = "{} is not the data set of the record"
    return problems + [Problem("dataset.shifts", what.format(name), do) for name in changed]


def _format_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} of {split}" for split, count in counts.items())
