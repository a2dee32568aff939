"""The end of a rank's process, whose gloo threads may outlive the process groups."""

from __future__ import annotations

import atexit
import logging
import os
import sys


class ProcessExit:
    """End this process after all exit handlers, without finalizing the interpreter.

    When a collective is over, a gloo thread of torch drops the collective's tensors and takes the GIL to do so.
    `destroy_process_group` joins these threads only if it drops the last reference to a group, and the device mesh of
    FSDP2 holds more. CPython ends a thread that waits for the GIL while the interpreter is finalized. The gloo thread
    waits inside a destructor that must not throw, so the C++ runtime calls ``std::terminate`` and the rank dies of
    SIGABRT after its work is done. The children of ``multiprocessing`` end by ``os._exit`` as well.

    Create the object before importing libraries that register exit handlers: handlers run in reverse order, and this
    one must be the last. While `status` is None, the interpreter is finalized as usual, so an uncaught exception
    retains its exit status.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        atexit.register(self._exit)

    def _exit(self) -> None:
        if self.status is None:
            return
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.status)
