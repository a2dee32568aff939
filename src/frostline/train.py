"""One run: from a resolved config and a folder to a result.json."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from frostline import ranks
from frostline.errors import FrostlineError, UserError
from frostline.progress import say
from frostline.store.files import read_json, write_json, write_text
from frostline.store.folder import RunFolder
from frostline.store.identity import run_id
from frostline.types import Config


def run(config: Config, choices: dict[str, str], overrides: list[str], folder: Path) -> dict[str, Any]:
    """Do a run, or go on with it, or give the stored result of one that is complete.

    Raises:
        UserError: the config cannot be run, or the folder belongs to another run.
        FrostlineError: the run failed; failure.json says how.
    """
    import yaml

    place = RunFolder(folder)
    job = {"id": run_id(config), "choices": choices, "overrides": overrides}
    with place.claimed(job):
        stored = place.read_result()
        if stored is not None:
            say(f"complete since an earlier run: {folder}")
            return stored
        place.failure.unlink(missing_ok=True)  # of an earlier attempt
        write_text(place.config, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
        try:
            _on_ranks(config, folder)
        except BaseException as error:
            write_json(place.failure, _failure(error))
            raise
        result = place.read_result()
        if result is None:
            raise FrostlineError("the run ended without a result; see the messages above")
        return result


def _on_ranks(config: Config, folder: Path) -> None:
    count = rank_count(config)
    if count > 1 and not ranks.started_outside():
        ranks.launch(folder, count)
    else:
        work(folder)


def rank_count(config: Config) -> int:
    """How many processes the run asks for; `auto` is every GPU there is, and one process without."""
    devices = config["trainer"]["devices"]
    if devices != "auto":
        return int(devices)
    import torch

    gpu = config["trainer"]["accelerator"] != "cpu" and torch.cuda.is_available()
    return torch.cuda.device_count() if gpu else 1


def _failure(error: BaseException) -> dict[str, Any]:
    keys = [problem.key for problem in error.problems] if isinstance(error, UserError) else []
    where = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
    return {"what": f"{type(error).__name__}: {error}", "keys": keys, "where": where[-5:]}


def work(folder: Path) -> None:
    """Train and test as one rank (or all there is), from the config in the folder; rank 0 writes the record."""
    import yaml

    place = RunFolder(folder)
    config = yaml.safe_load(place.config.read_text(encoding="utf-8"))
    from frostline.fit import Fit
    from frostline.loggers.ending import fail

    fit = Fit(config, read_json(place.job), place, rank_count(config))
    try:
        fit.learn()
        scores = fit.score()
        if fit.trainer.is_global_zero:
            fit.finish(scores)
    except BaseException:
        fail(fit.loggers)
        raise
