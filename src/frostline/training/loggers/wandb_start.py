"""The start of a W&B run: on its server where that can be used, else on the disk, to be uploaded later."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from frostline.console import say
from frostline.results.atomic_files import write_text
from frostline.training.loggers import wandb_server as reach
from frostline.training.loggers.wandb_service import Service

START_SECONDS, GRACE_SECONDS = 8.0, 2.0
LOCAL_SECONDS = 60.0  # an offline start asks no server; this only ends what would otherwise never end


class Start:
    """Of the run in this folder. init: W&B's function of this name, given the server's address beside its own."""

    def __init__(self, folder: Path, about: dict[str, Any], service: Service, init: Callable[..., Any]) -> None:
        self._folder, self._about, self._service, self._init = folder, about, service, init
        self.url = ""

    def run(self, mode: str) -> Any:
        """W&B's run, None where none is wanted."""
        wanted = reach.asked(mode)
        if wanted == "disabled":
            return None
        stored = self._service.start()
        self.url = (os.environ.get("WANDB_BASE_URL") or stored.base_url).rstrip("/")
        mode, reason = reach.choose(wanted, self.url, stored.api_key, stored.mode)
        return None if mode == "disabled" else self._run(mode, reason)

    def _run(self, mode: str, reason: str) -> Any:
        run = None
        if mode == "online":
            run, reason = self._online()
        if run is None:
            run = self._within("offline", LOCAL_SECONDS)
        if reason:
            say(f"W&B: {reason}; the run goes on offline, upload it later: {sync(run)}")
        return run

    def _online(self) -> tuple[Any, str]:
        """The run, or nothing and why. What a failed start left behind is no run and is removed."""
        before = set(self._folder.glob("wandb/run-*"))
        try:
            return self._within("online", START_SECONDS + GRACE_SECONDS), ""
        except Exception as error:
            self._service.discard(at_once=True)
            for stillborn in set(self._folder.glob("wandb/run-*")) - before:
                shutil.rmtree(stillborn, ignore_errors=True)
            return None, reach.remember(self.url, f"{self.url} let no run start ({brief(error)})")

    def _within(self, mode: str, seconds: float) -> Any:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._service.start()
        # Offline, each start makes a segment of its own; allowed to resume, `wandb sync` puts one behind the other.
        about = self._about | {"id": _kept_id(self._folder), "resume": "allow"}
        with self._service.within(seconds):
            run = self._init(self.url, **about, mode=mode)
            run.define_metric("step")
            run.define_metric("*", step_metric="step")
        return run


def _kept_id(folder: Path) -> str:
    """Drawn at the first start, kept for when a run goes on; another folder's, machine's or person's run is another.

    W&B's agent has opened a run already, and W&B takes its id whatever it is given.
    """
    file, opened = folder / ".wandb-id", agent_run()
    if opened or not file.exists():
        write_text(file, opened or secrets.token_hex(6))
    return file.read_text(encoding="utf-8")


def agent_run() -> str | None:
    """The id of the run that W&B's agent, if it is what has started this process, has opened for it."""
    return os.environ.get("WANDB_RUN_ID") if os.environ.get("WANDB_SWEEP_ID") else None


def sync(run: Any) -> str:
    """The command that uploads a run from its files."""
    online = [] if run.offline else ["--include-online"]  # which W&B otherwise takes to be there already
    return shlex.join(["wandb", "sync", *online, str(Path(run.dir).parent.absolute())])


def brief(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__
