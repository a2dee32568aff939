"""One W&B run a job. The run's folder holds the truth, so nothing that happens to W&B may fail or hold up the run.

What a server can cost: 5 s for the probe, 8 s for the start, 8 s for the end and up to 5 s until all is on disk. W&B
keeps to these times itself; where it does not, its background process is killed 2 s later. The next run starts another.
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

from frostline.console import say
from frostline.training.loggers import wandb_server as reach
from frostline.training.loggers.wandb_service import Service
from frostline.training.loggers.wandb_start import GRACE_SECONDS, START_SECONDS, Start, brief, sync

END_SECONDS = 8.0
LONGEST_NAME = 128  # characters that W&B takes
SETTINGS: dict[str, Any] = {
    "silent": True,
    "quiet": True,
    "console": "off",
    "reinit": "finish_previous",
    "init_timeout": START_SECONDS,
    "finish_timeout": END_SECONDS,
    "finish_timeout_raises": True,
    # W&B would stop uploading for good some time after a server went away, and its end would then look like success.
    "x_file_stream_retry_max": 1_000_000,
    "x_transaction_log_flush_interval": 1.0,  # what a killed run loses of its file; W&B's own 15 s may be all of it
    # The run's folder has all of this already, and collecting it makes a start slow.
    "disable_git": True,
    "save_code": False,
    "label_disable": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
}
Plain = (type(None), bool, int, float, str, list, tuple, dict)


def _wandb() -> Any:
    import wandb

    return wandb


def _settings(**more: Any) -> Any:
    """The settings that this version of W&B knows; some of them are not promised to stay."""
    kind = _wandb().Settings
    return kind(**{key: value for key, value in SETTINGS.items() if key in kind.model_fields}, **more)


def _init(url: str, **about: Any) -> Any:
    return _wandb().init(**about, settings=_settings(base_url=url))


def _set_up() -> Any:
    # Every start imports this, which takes seconds on a busy machine: before the clock that is held against a server.
    with suppress(ImportError):
        importlib.import_module("wandb.sdk.launch")
    return _wandb().setup(_settings())


_service = Service(set_up=_set_up, tear_down=lambda: _wandb().teardown())


class WandbRun(Logger):
    """Lightning's logger for W&B. Nothing is started before the first use, and `finish` ends the run.

    `finalize`, which Lightning calls after each fit and test, only notes a failure: the final metrics come later.
    A run that nobody finished ends when the next one starts, or when Python exits.
    """

    _current: ClassVar[WandbRun | None] = None

    def __init__(
        self,
        folder: str | Path,
        project: str = "frostline",
        group: str | None = None,
        name: str | None = None,
        config: dict[str, Any] | None = None,
        mode: Literal["auto", "online", "offline", "disabled"] = "auto",
        entity: str | None = None,
        tags: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._folder = Path(folder)
        self._name, self._mode = name and name[:LONGEST_NAME], mode
        about: dict[str, Any] = {"project": project, "entity": entity, "group": group, "name": self._name}
        about |= {"config": dict(config or {}), "tags": list(tags), "dir": str(self._folder)}
        self._start = Start(self._folder, about, _service, _init)
        self._run: Any = None
        self._begun = self._failed = self._told = False

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
        """The W&B run, or something that takes every call and does nothing."""
        return self._open() or DummyLogger().experiment

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        # As a value beside the others: W&B's own step may not go back, and a test after a fit starts at 0 again.
        row = dict(metrics) if step is None else {**metrics, "step": step}
        self._tell(lambda run: run.log(row))

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        given = vars(params) if isinstance(params, Namespace) else params
        plain = {key: value for key, value in given.items() if isinstance(value, Plain)}
        self._tell(lambda run: run.config.update(plain, allow_val_change=True))

    @rank_zero_only
    def save_summary(self, metrics: Mapping[str, Any]) -> None:
        """The final metrics, as the run's folder has them."""
        self._tell(lambda run: run.summary.update(dict(metrics)))

    @rank_zero_only
    def save_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self._tell(lambda run: run.log({name: _wandb().Table(columns=list(columns), data=[list(row) for row in rows])}))

    def finalize(self, status: str) -> None:
        self._failed = self._failed or status != "success"

    @rank_zero_only
    def finish(self, status: str = "success") -> None:
        """End the run; what is logged after this is ignored."""
        run, self._run, self._begun = self._run, None, True
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
                reach.remember(self._start.url, f"{self._start.url} has just held up another run")
            say(f"W&B: not all was uploaded ({brief(error)}); it is on disk, upload it later: {sync(run)}")
            if not isinstance(error, Exception):  # Ctrl-C: neither this nor the exit waits for W&B
                raise

    def _tell(self, act: Callable[[Any], object]) -> None:
        run = self._open()
        if run is not None:
            try:
                act(run)
            except Exception as error:
                self._lament(error)

    def _lament(self, error: BaseException) -> None:
        if not self._told:
            say(f"W&B: {brief(error)}; the run goes on, its own folder has all results")
        self._told = True

    def _open(self) -> Any:
        if not self._begun and getattr(rank_zero_only, "rank", 0) == 0:
            self._begun = True
            try:
                self._run = self._begin()
            except BaseException as error:
                _service.discard()
                if not isinstance(error, Exception):
                    raise
                self._lament(error)
        return self._run

    def _begin(self) -> Any:
        if WandbRun._current is not None:
            WandbRun._current.finish()
        run = self._start.run(self._mode)
        if run is not None:
            WandbRun._current = self
            atexit.register(self.finish)  # after W&B's own, hence before it: W&B would wait for its server without end
        return run
