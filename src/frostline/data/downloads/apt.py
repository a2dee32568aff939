"""Debian packages, fetched by the user's own apt from the mirrors that it is set to. Nothing is installed or run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from frostline.console import log
from frostline.data.downloads.pins import Deb

SECONDS_TO_CONNECT, SECONDS_IN_ALL = 10, 300


def fetch(pin: Deb, to: Path, instead: Path) -> None:
    """Write the package to a new file.

    instead: where a copy that was had otherwise may be laid; a mirror keeps a version for as long as a release has it.

    Raises:
        UserError: no apt on this machine, or it cannot have this version.
    """
    do = f"fetch {pin.file} elsewhere (Debian's snapshot archive keeps every version) and copy it into {instead}"
    apt = shutil.which("apt-get")
    if apt is None:
        raise pin.failed("it is a Debian package, and this machine has no apt-get", do)
    log(f"fetching {pin.describe()}")
    options = [f"Acquire::http::Timeout={SECONDS_TO_CONNECT}", "Acquire::Retries=0"]
    command = [apt, *(word for option in options for word in ("-o", option)), "download", str(pin)]
    room = to.parent / "apt"
    room.mkdir()
    try:
        done = subprocess.run(
            command, cwd=room, capture_output=True, text=True, timeout=SECONDS_IN_ALL, env=os.environ | {"LC_ALL": "C"}
        )
    except subprocess.TimeoutExpired as error:
        raise pin.failed(f"apt-get has not fetched it within {SECONDS_IN_ALL} s", do) from error
    found = list(room.glob("*.deb"))
    if done.returncode or not found:
        raise pin.failed(f"apt-get cannot fetch it ({_reason(done.stderr)})", f"run `apt-get update`, or {do}")
    found[0].replace(to)


def _reason(said: str) -> str:
    errors = [line.removeprefix("E: ") for line in said.splitlines() if line.startswith("E: ")]
    return errors[0] if errors else "it does not say why"
