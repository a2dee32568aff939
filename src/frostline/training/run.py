"""One run, from a resolved config and a folder to result.json.

`run` is what a command calls: it looks for a stored result, claims the folder and starts the ranks. `train` is what
each rank does. Torch is imported within `train`: a command whose runs are all complete does not need it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from frostline import session
from frostline.config.inputs import raise_if_changed
from frostline.console import log
from frostline.distributed.launcher import launch_ranks
from frostline.distributed.ranks import external_ranks, is_main_process
from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder
from frostline.results.identity import describe_job
from frostline.training.lifecycle import (
    Job,
    fast_imports,
    final_result,
    raise_if_pruned,
    record_failure,
    start,
    stored_result,
)
from frostline.training.trainer import make_trainer, rank_count
from frostline.types import Config


def run(config: Config, choices: dict[str, str], overrides: list[str], folder: Path) -> dict[str, Any]:
    """Do a run, or resume it, or return the stored result of a complete one.

    Raises:
        UserError: the config cannot be run, or the folder belongs to another run.
        FrostlineError: the run failed; failure.json has the reason.
        Pruned: the run is a trial that its search has pruned; pruned.json has the reason.
    """
    run_folder = RunFolder(folder)
    job = describe_job(config, choices, overrides)
    # Of ranks that were started externally, the first one has the folder.
    is_further_rank = not is_main_process()
    session.current().quiet = is_further_rank
    if (result := stored_result(run_folder, job)) is not None:
        _report_to_wandb_agent(config, job, run_folder, result)
        return result
    if is_further_rank:
        train(config, job, run_folder)
        return {}
    with run_folder.claimed(job):
        if (result := stored_result(run_folder, job)) is not None:  # another process has just completed it
            return result
        raise_if_pruned(run_folder)
        start(run_folder, config)
        try:
            _train_on_all_ranks(config, job, run_folder)
        except BaseException as error:
            record_failure(run_folder, error)
            raise
        return final_result(run_folder)


def _report_to_wandb_agent(config: Config, job: Job, folder: RunFolder, result: dict[str, Any]) -> None:
    """Report a stored result to the run that W&B's agent has opened for it; an empty run would mislead its search."""
    from frostline.training.loggers.wandb_start import agent_run

    if agent_run():
        from frostline.training.loggers.build import finish_wandb, make_loggers

        finish_wandb(make_loggers(folder, config, job), result)


def _train_on_all_ranks(config: Config, job: Job, folder: RunFolder) -> None:
    with fast_imports():
        ranks = rank_count(config)
    if ranks > 1 and not external_ranks():
        launch_ranks(folder.path, ranks)
    else:
        train(config, job, folder)


def train_rank(folder: Path) -> None:
    """Train as one rank of the run whose config and job are in the folder."""
    import yaml

    run_folder = RunFolder(folder)
    train(yaml.safe_load(run_folder.config.read_text(encoding="utf-8")), read_json(run_folder.job), run_folder)


def train(config: Config, job: Job, folder: RunFolder) -> None:
    """Train and evaluate as one rank of a run, or as the only one; the first rank writes the record."""
    with fast_imports():
        from frostline.training.build import build, data_messages
        from frostline.training.callbacks.order import make_callbacks
        from frostline.training.cost import cost
        from frostline.training.data_module import DataModule
        from frostline.training.fit import evaluate, fit, leave_process_group, save_final_weights
        from frostline.training.loggers.build import finish_failed, make_loggers
        from frostline.training.record import RunRecorder

    ranks = rank_count(config)
    built = build(config)
    raise_if_changed(config)
    config = built.config
    data = DataModule(built, config)
    callbacks = make_callbacks(built, config, job, folder)
    loggers = make_loggers(folder, config, job)
    trainer = make_trainer(built.settings, built.plan, ranks, loggers, callbacks.needed)
    used = str(trainer.strategy.root_device), str(trainer.precision)
    record = RunRecorder(config, job, folder, built, callbacks.best, *used, ranks)
    resume = folder.resume_checkpoint if folder.resume_checkpoint.exists() else None
    try:
        if trainer.is_global_zero:
            for message in data_messages(built, config):
                log(message)
            log(record.plan_table)
            record.begin(resume)
        fit(trainer, built, data, callbacks.best, resume)
        if callbacks.pruned is None:
            scores = evaluate(trainer, built, data, callbacks.best)
            costs = cost(built.model, callbacks.resume, ranks)
            save_final_weights(trainer, built, callbacks.best)
            if trainer.is_global_zero:
                predictions, extra = callbacks.predictions.of_split, callbacks.head_record
                record.finish(scores, predictions, extra, costs, loggers, trainer.global_step)
        elif trainer.is_global_zero:
            record.prune(callbacks.pruned, loggers)
        leave_process_group(trainer)
    except BaseException:
        finish_failed(loggers)
        raise
