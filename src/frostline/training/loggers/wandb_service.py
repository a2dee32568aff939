"""W&B's background process, which alone communicates with the server; it is killed when a server blocks it.

A call into W&B waits for that process, possibly forever, and cannot be interrupted. When the process is killed, every
call that waits for it raises an exception.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

WRITE_SECONDS = 5.0


class Service:
    """The background process that belongs to this Python process.

    set_up and tear_down: W&B's functions of these names.
    """

    def __init__(self, set_up: Callable[[], Any], tear_down: Callable[[], None]) -> None:
        self._set_up, self._tear_down = set_up, tear_down
        self._owner = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Any:
        """Start the process if it does not run, and return W&B's global settings."""
        if self._owner != os.getpid():
            os.environ.pop("WANDB_SERVICE", None)  # that of a parent process, which must not be killed
            self._owner, self._process = os.getpid(), None
        if self._process is not None and self._process.poll() is not None:
            self.discard()
        # Error reports to the vendor are sent while Python exits; a server that hangs would delay that by 10 s or more.
        os.environ["WANDB_ERROR_REPORTING"] = "false"
        session = self._set_up()
        self._process = getattr(getattr(session._connection, "_proc", None), "_process", None)
        return session.settings

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Kill the process after this time, so that a call that waits for it raises an exception."""
        timer = threading.Timer(seconds, self._kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def discard(self, at_once: bool = False) -> None:
        """End the process and drop its remaining work, also that at exit; the next `start` starts a new process.

        It is asked to end before it is killed, because neither a kill nor a signal makes it write the records that it
        still has in memory. With `at_once` it is killed first.
        """
        end = threading.Thread(target=self._end, daemon=True)
        if not at_once:
            end.start()
            end.join(WRITE_SECONDS)
        self._kill()
        if at_once:
            end.start()
        end.join(WRITE_SECONDS)
        os.environ.pop("WANDB_SERVICE", None)
        self._process = None

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _end(self) -> None:
        with suppress(Exception, SystemExit):  # W&B exits with the status of a killed process
            self._tear_down()
