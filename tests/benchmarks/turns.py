"""Contestants that take turns step by step, each in a process of its own, so that noise of the machine meets all alike.

While one works the others wait for their turn and cost nothing. All of them take the same number of steps.
"""

from __future__ import annotations

import multiprocessing as mp
import time
from collections.abc import Callable, Sequence
from typing import Any

from timing import settle

LONGEST = 600.0  # seconds that anyone waits; a contestant that died would hold up the rest for ever


class Turn:
    """One contestant's place in the ring. It calls `end` after each of its `steps` steps."""

    def __init__(self, own: Any, following: Any, finish: Any, steps: int) -> None:
        self._own, self._next, self._finish, self._left = own, following, finish, steps
        self.seconds: list[float] = []  # of each step but the first, which waits for nobody
        self._began = 0.0

    def end(self) -> None:
        """Hand over, and come back when it is one's turn again, or when all are through."""
        settle()
        now = time.perf_counter()
        if self._began:
            self.seconds.append(now - self._began)
            self._next.release()
        self._left -= 1
        if not self._left:
            self._finish.wait(LONGEST)
        elif not self._own.acquire(timeout=LONGEST):
            raise TimeoutError("another contestant has not ended its turn")
        self._began = time.perf_counter()


Contestant = Callable[[Turn], dict[str, float]]


def race(contestants: Sequence[Contestant], steps: int) -> list[tuple[list[float], dict[str, float]]]:
    """Seconds of each step, and what each contestant returned. A step must take no worker but this process's own."""
    context = mp.get_context("spawn")
    gates = [context.Semaphore(0) for _ in contestants]
    finish = context.Barrier(len(contestants))
    results = context.SimpleQueue()
    turns = [Turn(gate, gates[(i + 1) % len(gates)], finish, steps) for i, gate in enumerate(gates)]
    processes = [
        context.Process(target=_work, args=(i, contestant, turn, results))
        for i, (contestant, turn) in enumerate(zip(contestants, turns, strict=True))
    ]
    for process in processes:
        process.start()
    gates[0].release()
    found = sorted((results.get() for _ in processes), key=lambda item: item[0])
    for process in processes:
        process.join()
    failed = [item[2] for item in found if item[1] is None]
    if failed:
        raise RuntimeError(failed[0])
    return [(seconds, more) for _, seconds, more in found]


def _work(number: int, contestant: Contestant, turn: Turn, results: Any) -> None:
    try:
        more = contestant(turn)
    except BaseException as error:
        turn._finish.abort()
        results.put((number, None, f"{type(error).__name__}: {error}"))
        raise
    results.put((number, turn.seconds, more))
