"""One run: from a resolved config and a folder to a result.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from frostline import console as progress
from frostline.console import say
from frostline.distributed import launcher as ranks
from frostline.errors import FrostlineError, UserError, calls, wrong
from frostline.results.atomic_files import read_json, write_json, write_text
from frostline.results.folder import RunFolder
from frostline.results.identity import run_id
from frostline.results.search_storage import Pruned, Trial
from frostline.types import Config


def run(config: Config, choices: dict[str, str], overrides: list[str], folder: Path) -> dict[str, Any]:
    """Do a run, or go on with it, or give the stored result of one that is complete.

    Raises:
        UserError: the config cannot be run, or the folder belongs to another run.
        FrostlineError: the run failed; failure.json says how.
        Pruned: the search that it is a trial of has given it up; pruned.json says when.
    """
    place = RunFolder(folder)
    job = {"id": run_id(config), "choices": choices, "overrides": overrides}
    follows = ranks.outside() is not None and ranks.outside_rank() > 0  # the first rank has the folder, and speaks
    progress.silent = follows
    if (result := stored(place, job)) is not None:
        _tell_agent(config, job, place, result)
        return result
    if follows:
        work(config, job, place)
        return {}
    with place.claimed(job):
        if (result := stored(place, job)) is not None:  # another process has just ended
            return result
        _stay_pruned(place)
        begin(place, config)
        try:
            _on_ranks(config, job, place)
        except BaseException as error:
            note_failure(place, error)
            raise
        result = place.read_result()
        if result is None and place.pruned.exists():
            raise Pruned(read_json(place.pruned)["what"])
        if result is None:
            raise FrostlineError("the run ended without a result; see the messages above")
        return result


def stored(place: RunFolder, job: dict[str, Any]) -> dict[str, Any] | None:
    """The result of this very run where it is complete. Nothing is written, not even a lock."""
    result = place.read_result()
    if result is None or result["id"] != job["id"]:
        return None
    for left in (place.resume_point, place.unmixed):  # there only if a kill came between the result and this
        left.unlink(missing_ok=True)
    say(f"complete since an earlier run: {place.path}")
    return result


def _tell_agent(config: Config, job: dict[str, Any], place: RunFolder, result: dict[str, Any]) -> None:
    """W&B's agent has opened a run for this; its search would learn nothing from an empty one."""
    from frostline.training.loggers.wandb_start import agent_run

    if agent_run():
        from frostline.training.loggers.choose import of_run
        from frostline.training.loggers.finish import tell

        tell(of_run(place, config, job), result)


def _stay_pruned(place: RunFolder) -> None:
    """A trial that was given up before its search was killed; for all others the run is one like any."""
    trial = Trial.here()
    if trial is None or not place.pruned.exists():
        return
    told = read_json(place.pruned)
    if (told["search"], told["trial"]) == (trial.name, trial.number):
        raise Pruned(told["what"])


def begin(place: RunFolder, config: Config) -> None:
    """Leave the config, and nothing of an attempt that failed or was given up."""
    import yaml

    place.failure.unlink(missing_ok=True)
    place.pruned.unlink(missing_ok=True)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the same text in a fifth of the time
    write_text(place.config, yaml.dump(config, Dumper=dumper, sort_keys=False, allow_unicode=True))


def note_failure(place: RunFolder, error: BaseException) -> None:
    keys = [problem.key for problem in error.problems] if isinstance(error, UserError) else []
    where = getattr(error, "where", None) or calls(error)
    write_json(place.failure, {"what": f"{type(error).__name__}: {error}", "keys": keys, "where": where})


def _on_ranks(config: Config, job: dict[str, Any], place: RunFolder) -> None:
    count = rank_count(config)
    if count > 1 and not ranks.outside():
        ranks.launch(place.path, count)
    else:
        work(config, job, place)


def rank_count(config: Config) -> int:
    """How many processes the run asks for; `auto` is every GPU there is, and one process without.

    Raises:
        UserError: others have started the processes, and not so many.
    """
    devices = config["trainer"]["devices"]
    if (started := ranks.outside()) is not None:
        if devices not in ("auto", started):
            do = f"give trainer.devices={started}, or start the command by itself"
            raise wrong("trainer.devices", f"{devices}, but {started} processes have been started for the run", do)
        return started
    if devices != "auto":
        return int(devices)
    import torch

    gpu = config["trainer"]["accelerator"] != "cpu" and torch.cuda.is_available()
    return torch.cuda.device_count() if gpu else 1


def work_in(folder: Path) -> None:
    """Be one of the ranks of the run whose config and job lie in the folder."""
    import yaml

    place = RunFolder(folder)
    work(yaml.safe_load(place.config.read_text(encoding="utf-8")), read_json(place.job), place)


def work(config: Config, job: dict[str, Any], place: RunFolder) -> None:
    """Train and test as one rank, or as all there is; rank 0 writes the record."""
    from frostline.training.fit import Fit
    from frostline.training.loggers.finish import fail

    fit = Fit(config, job, place, rank_count(config))
    try:
        fit.learn()
        scores = {} if fit.pruning.said else fit.score()
        if fit.trainer.is_global_zero:
            fit.finish(scores)
        fit.part()
    except BaseException:
        fail(fit.loggers)
        raise
