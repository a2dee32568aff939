"""The start of a W&B run: on its server if that can be used, else offline, to be uploaded later."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from frostline.console import log
from frostline.results.atomic_files import write_text
from frostline.training.loggers.wandb_server import choose_mode, remember_failure, requested_mode
from frostline.training.loggers.wandb_service import Service

DEFAULT_PROJECT = "frostline"
DEFAULTS = {"project": DEFAULT_PROJECT, "entity": None}
VARIABLES = {  # of W&B, by the argument of wandb.init that would override each of them
    "project": "WANDB_PROJECT",
    "entity": "WANDB_ENTITY",
    "group": "WANDB_RUN_GROUP",
    "name": "WANDB_NAME",
    "tags": "WANDB_TAGS",
}
START_SECONDS, GRACE_SECONDS = 8.0, 2.0
OFFLINE_SECONDS = 60.0  # an offline start uses no server; this only ends a start that would never end


class Start:
    """Starts the W&B run of a folder.

    arguments: of wandb.init. init: W&B's function of this name, which takes the server's address before them.

    Attributes:
        url: the server's address, once it is known.
    """

    def __init__(self, folder: Path, arguments: dict[str, Any], service: Service, init: Callable[..., Any]) -> None:
        self._folder, self._arguments, self._service, self._init = folder, arguments, service, init
        self.url = ""

    def run(self, mode: str) -> Any:
        """Return W&B's run, or None if W&B is disabled."""
        requested = requested_mode(mode)
        if requested == "disabled":
            return None
        settings = self._service.start()
        self.url = (os.environ.get("WANDB_BASE_URL") or settings.base_url).rstrip("/")
        mode, reason = choose_mode(requested, self.url, settings.api_key, settings.mode)
        return None if mode == "disabled" else self._start(mode, reason)

    def _start(self, mode: str, reason: str) -> Any:
        run = None
        if mode == "online":
            run, reason = self._start_online()
        if run is None:
            run = self._start_within("offline", OFFLINE_SECONDS)
        if reason:
            log(f"W&B: {reason}; the run goes on offline, upload it later: {sync_command(run)}")
        return run

    def _start_online(self) -> tuple[Any, str]:
        """Return the run, or None and the reason. The files of a failed start are removed."""
        before = set(self._folder.glob("wandb/run-*"))
        try:
            return self._start_within("online", START_SECONDS + GRACE_SECONDS), ""
        except Exception as error:
            self._service.discard(at_once=True)
            for failed_start in set(self._folder.glob("wandb/run-*")) - before:
                shutil.rmtree(failed_start, ignore_errors=True)
            return None, remember_failure(self.url, f"{self.url} did not start the run ({first_line(error)})")

    def _start_within(self, mode: str, seconds: float) -> Any:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._service.start()
        # Offline, each start writes a new segment. With resume="allow", `wandb sync` joins them.
        arguments = self._arguments | {"id": wandb_run_id(self._folder), "resume": "allow"}
        with self._service.within(seconds):
            run = self._init(self.url, **arguments, mode=mode)
            run.define_metric("step")
            run.define_metric("*", step_metric="step")
        return run


def without_environment(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of wandb.init without those for which W&B reads an environment variable that is set.

    A project or an entity that the config sets itself stays: it is more specific than a variable.
    """

    def is_from_config(name: str) -> bool:
        return name in DEFAULTS and bool(arguments[name] != DEFAULTS[name])

    replaced = {name for name, variable in VARIABLES.items() if name in arguments and os.environ.get(variable)}
    return {name: value for name, value in arguments.items() if name not in replaced or is_from_config(name)}


def wandb_run_id(folder: Path) -> str:
    """Return the id of the folder's W&B run: random at the first start, then the same whenever the run resumes.

    A run that W&B's agent has opened has an id already, which W&B uses whatever it is given.
    """
    file, opened = folder / ".wandb-id", agent_run()
    if opened or not file.exists():
        write_text(file, opened or secrets.token_hex(6))
    return file.read_text(encoding="utf-8")


def agent_run() -> str | None:
    """Return the id of the run that W&B's agent has opened for this process, or None if it did not start it."""
    return os.environ.get("WANDB_RUN_ID") if os.environ.get("WANDB_SWEEP_ID") else None


def sync_command(run: Any) -> str:
    """Return the command that uploads a run from its files."""
    online = [] if run.offline else ["--include-online"]  # W&B assumes that the files of online runs are uploaded
    return shlex.join(["wandb", "sync", *online, str(Path(run.dir).parent.absolute())])


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or the name of its type if it has none."""
    return (str(error).splitlines() or [""])[0] or type(error).__name__
