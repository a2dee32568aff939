"""The Lightning logger of Weights & Biases: one W&B run for each run.

The run's folder has all results, so a failure of W&B must neither fail nor delay the run. A server can take 5 s for
the probe, 8 s for the start, 8 s for the end, and up to 5 s until everything is on disk. W&B has these time limits
itself; if it exceeds them, its background process is killed 2 s later, and the next run starts a new one.
"""

from __future__ import annotations

import atexit
import importlib
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Literal

from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.loggers.logger import DummyLogger, Logger

from frostline.console import log
from frostline.training.loggers.wandb_server import remember_failure
from frostline.training.loggers.wandb_service import Service
from frostline.training.loggers.wandb_start import (
    DEFAULT_PROJECT,
    GRACE_SECONDS,
    START_SECONDS,
    Start,
    first_line,
    sync_command,
    without_environment,
)

END_SECONDS = 8.0
MAX_NAME_LENGTH = 128  # characters; W&B refuses longer names
SETTINGS: dict[str, Any] = {
    "silent": True,
    "quiet": True,
    "console": "off",
    "reinit": "finish_previous",
    "init_timeout": START_SECONDS,
    "finish_timeout": END_SECONDS,
    "finish_timeout_raises": True,
    # Otherwise W&B stops uploading some time after a server becomes unreachable, and the end looks like success.
    "x_file_stream_retry_max": 1_000_000,
    "x_transaction_log_flush_interval": 1.0,  # seconds that a killed run loses; the default of 15 may be the whole run
    # The run's folder has all of this, and collecting it takes time at the start.
    "disable_git": True,
    "save_code": False,
    "label_disable": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
}
PLAIN_TYPES = (type(None), bool, int, float, str, list, tuple, dict)


def _wandb() -> Any:
    import wandb

    return wandb


def _settings(**further: Any) -> Any:
    """Return the settings that this version of W&B has; some of them may disappear in other versions."""
    settings = _wandb().Settings
    return settings(**{key: value for key, value in SETTINGS.items() if key in settings.model_fields}, **further)


def _init(url: str, **arguments: Any) -> Any:
    return _wandb().init(**arguments, settings=_settings(base_url=url))


def _set_up() -> Any:
    # Every start imports this, which takes seconds on a busy machine. Here it does not count as time of the server.
    with suppress(ImportError):
        importlib.import_module("wandb.sdk.launch")
    return _wandb().setup(_settings())


_service = Service(set_up=_set_up, tear_down=lambda: _wandb().teardown())


class WandbRun(Logger):
    """Starts a W&B run at the first use; `finish` ends it.

    `finalize`, which Lightning calls after each fit and test, only records a failure, because the final metrics come
    later. A run that is not finished ends when the next one starts or when Python exits.
    """

    _current: ClassVar[WandbRun | None] = None

    def __init__(
        self,
        folder: str | Path,
        project: str = DEFAULT_PROJECT,
        group: str | None = None,
        name: str | None = None,
        config: dict[str, Any] | None = None,
        mode: Literal["auto", "online", "offline", "disabled"] = "auto",
        entity: str | None = None,
        tags: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._folder = Path(folder)
        self._name, self._mode = name and name[:MAX_NAME_LENGTH], mode
        arguments: dict[str, Any] = {"project": project, "entity": entity, "group": group, "name": self._name}
        arguments |= {"tags": list(tags)} if tags else {}
        arguments = without_environment(arguments) | {"config": dict(config or {}), "dir": str(self._folder)}
        self._start = Start(self._folder, arguments, _service, _init)
        self._run: Any = None
        self._start_tried = self._failed = self._warned = False

    @property
    def name(self) -> str | None:
        return self._name

    @property
    def version(self) -> str | None:
        return None if self._run is None else str(self._run.id)

    @property
    def save_dir(self) -> str:
        return str(self._folder)

    @property
    def experiment(self) -> Any:
        """Return the W&B run, or a dummy whose methods do nothing."""
        return self._open() or DummyLogger().experiment

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        # The step is a value of the row: W&B's own step cannot decrease, and a test after a fit starts at 0 again.
        row = dict(metrics) if step is None else {**metrics, "step": step}
        self._call(lambda run: run.log(row))

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        values = vars(params) if isinstance(params, Namespace) else params
        plain = {key: value for key, value in values.items() if isinstance(value, PLAIN_TYPES)}
        self._call(lambda run: run.config.update(plain, allow_val_change=True))

    @rank_zero_only
    def save_summary(self, metrics: Mapping[str, Any]) -> None:
        """Set the final metrics."""
        self._call(lambda run: run.summary.update(dict(metrics)))

    @rank_zero_only
    def save_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self._call(lambda run: run.log({name: _wandb().Table(columns=list(columns), data=[list(row) for row in rows])}))

    def finalize(self, status: str) -> None:
        self._failed = self._failed or status != "success"

    @rank_zero_only
    def finish(self, status: str = "success") -> None:
        """End the run. Later calls of this logger do nothing."""
        run, self._run, self._start_tried = self._run, None, True
        atexit.unregister(self.finish)
        if run is None:
            return
        WandbRun._current = None
        self.finalize(status)
        try:
            with _service.within(END_SECONDS + GRACE_SECONDS):
                run.finish(exit_code=int(self._failed))
        except BaseException as error:
            _service.discard()
            if not run.offline:
                remember_failure(self._start.url, f"{self._start.url} has just delayed another run")
            log(f"W&B: not all was uploaded ({first_line(error)}); it is on disk, upload it later: {sync_command(run)}")
            if not isinstance(error, Exception):  # with Ctrl-C neither this nor the exit waits for W&B
                raise

    def _call(self, act: Callable[[Any], object]) -> None:
        run = self._open()
        if run is not None:
            try:
                act(run)
            except Exception as error:
                self._warn_once(error)

    def _warn_once(self, error: BaseException) -> None:
        if not self._warned:
            log(f"W&B: {first_line(error)}; the run goes on, its own folder has all results")
        self._warned = True

    def _open(self) -> Any:
        if not self._start_tried and getattr(rank_zero_only, "rank", 0) == 0:
            self._start_tried = True
            try:
                self._run = self._start_run()
            except BaseException as error:
                _service.discard()
                if not isinstance(error, Exception):
                    raise
                self._warn_once(error)
        return self._run

    def _start_run(self) -> Any:
        if WandbRun._current is not None:
            WandbRun._current.finish()
        run = self._start.run(self._mode)
        if run is not None:
            WandbRun._current = self
            atexit.register(
                self.finish
            )  # called before W&B's own exit function, which would wait for its server forever
        return run
