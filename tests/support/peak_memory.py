"""The peak memory of a command.

The kernel counts the memory of a process from before its exec, that of its parent, as its own. So the command is
started by a small process, which then prints the figure.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

LAUNCH = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def peak_mib(words: Sequence[str]) -> float:
    """Run a command and return its peak memory in MiB."""
    done = subprocess.run([sys.executable, "-S", "-c", LAUNCH, *words], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024
