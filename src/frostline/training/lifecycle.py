"""The state of a run folder around a run: a stored result, a fresh start, a failure, a pruned trial.

It needs neither torch nor Lightning.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from frostline.console import log
from frostline.errors import FrostlineError, UserError, innermost_calls
from frostline.results.atomic_files import read_json, write_json, write_text
from frostline.results.folder import RunFolder
from frostline.results.search_storage import PrunableTrial, Pruned
from frostline.types import Config

Job = dict[str, Any]  # `id`, `choices` and `overrides` of a run


@contextmanager
def fast_imports() -> Iterator[None]:
    """Import torch and Lightning without garbage collection, and let no later collection search what is imported then.

    Each search of these half a million objects takes 0.2 s. Once Lightning is imported, nothing is different.
    """
    if "lightning" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def stored_result(folder: RunFolder, job: Job) -> dict[str, Any] | None:
    """Return the result of this run if it is complete, and remove files that a killed run has left."""
    result = folder.read_result()
    if result is None or result["id"] != job["id"]:
        return None
    # These exist if the run was killed after it had written its result.
    for file in (folder.resume_checkpoint, folder.before_interpolation):
        file.unlink(missing_ok=True)
    log(f"complete since an earlier run: {folder.path}")
    return result


def final_result(folder: RunFolder) -> dict[str, Any]:
    """Return the result of a run after its end.

    Raises:
        Pruned: the trial was pruned.
        FrostlineError: there is no result.
    """
    result = folder.read_result()
    if result is None and folder.pruned.exists():
        raise Pruned(read_json(folder.pruned)["what"])
    if result is None:
        raise FrostlineError("the run ended without a result; see the messages above")
    return result


def raise_if_pruned(folder: RunFolder) -> None:
    """Raise Pruned if this trial was pruned before its search was killed. For other searches the run is a new one."""
    if not folder.pruned.exists():
        return
    trial, pruned = PrunableTrial.from_environment(), read_json(folder.pruned)
    if trial is not None and (pruned["search"], pruned["trial"]) == (trial.name, trial.number):
        raise Pruned(pruned["what"])


def start(folder: RunFolder, config: Config) -> None:
    """Write config.yaml, and remove failure.json and pruned.json of an earlier attempt."""
    import yaml

    folder.failure.unlink(missing_ok=True)
    folder.pruned.unlink(missing_ok=True)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # writes the same text in a fifth of the time
    write_text(folder.config, yaml.dump(config, Dumper=dumper, sort_keys=False, allow_unicode=True))


def record_failure(folder: RunFolder, error: BaseException) -> None:
    """Write failure.json: the error, the config keys that it names, and where it was raised."""
    keys = [problem.key for problem in error.problems] if isinstance(error, UserError) else []
    where = getattr(error, "where", None) or innermost_calls(error)
    write_json(folder.failure, {"what": f"{type(error).__name__}: {error}", "keys": keys, "where": where})
