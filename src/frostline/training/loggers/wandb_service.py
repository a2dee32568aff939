"""W&B's background process, which alone speaks with the server: started once, killed when a server holds it up.

A call into W&B waits for that process, if need be without end, and cannot be interrupted from outside. When the
process is killed, every wait for it ends with an exception.
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
    """The process of this Python process, ours alone; `set_up` and `tear_down` are W&B's functions of these names."""

    def __init__(self, set_up: Callable[[], Any], tear_down: Callable[[], None]) -> None:
        self._set_up, self._tear_down = set_up, tear_down
        self._owner = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Any:
        """W&B's global settings; the process lives."""
        if self._owner != os.getpid():
            os.environ.pop("WANDB_SERVICE", None)  # a parent's process, which is not ours to kill
            self._owner, self._process = os.getpid(), None
        if self._process is not None and self._process.poll() is not None:
            self.discard()
        # Reports to the vendor are sent while Python exits; a server that hangs holds up the exit by 10 s and more.
        os.environ["WANDB_ERROR_REPORTING"] = "false"
        session = self._set_up()
        self._process = getattr(getattr(session._connection, "_proc", None), "_process", None)
        return session.settings

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Kill the process after this time, so that what waits inside gets an exception."""
        timer = threading.Timer(seconds, self._kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def discard(self, at_once: bool = False) -> None:
        """Forget the process and what it still wanted to do, at exit too; the next `start` starts another.

        It is asked to end first: it holds back records, which neither a kill nor a signal makes it write.
        """
        end = threading.Thread(target=self._forget, daemon=True)
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

    def _forget(self) -> None:
        with suppress(Exception, SystemExit):  # W&B exits with the status of the process that was killed
            self._tear_down()
