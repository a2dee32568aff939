"""Workers end with the process that wants their jobs, and hear of Ctrl-C from it alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from frostline import session
from frostline.sweeps.interrupt import handle_interrupt, interrupt_requested

LEADER = """
import sys
from pathlib import Path
from frostline.distributed import workers
workers.hold_leader_lock(Path(sys.argv[1]))
print("leads", flush=True)
sys.stdin.read()
"""
FOLLOWER = """
import sys, time
from frostline.distributed import workers
workers.ignore_sigint()
workers.exit_with_leader(sys.argv[1])
print("follows", flush=True)
time.sleep(600)
"""
REQUESTED = "import sys; from frostline.sweeps.interrupt import interrupt_requested as r; print(r(sys.argv[1]))"


def started(code: str, word: Path) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", code, str(word)], stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None and process.stdout.readline()
    return process


def test_a_worker_is_gone_when_its_leader_was_killed(tmp_path: Path) -> None:
    leader = started(LEADER, tmp_path / "leader")
    follower = started(FOLLOWER, tmp_path / "leader")
    follower.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        follower.wait(0.3)  # Ctrl-C is nothing to it
    leader.kill()
    leader.communicate()
    assert follower.wait(60) == 1
    follower.communicate()


def test_workers_hear_of_ctrl_c_from_the_sweep_s_folder(tmp_path: Path) -> None:
    def heard() -> str:
        done = subprocess.run([sys.executable, "-c", REQUESTED, tmp_path / "sweep"], capture_output=True, text=True)
        return done.stdout.strip()

    with handle_interrupt(session.begin(), tmp_path / "sweep"):
        assert heard() == "False"
        os.kill(os.getpid(), signal.SIGINT)
        assert heard() == "True"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert interrupt_requested()
    session.begin()
    assert not interrupt_requested(), "a new command"
